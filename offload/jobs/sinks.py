"""The sinks of a final job: everything that happens then, in order, one entry each.

Two modules go through this list. ``endings`` does so if an attempt makes its own job final, in the
transaction of that finish. ``aftermath`` does so for every other end, and for sinks that a finish
left undone, by compare-and-set of the mark that something is due.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from offload.canvas.following import tail
from offload.dispatch import why_there
from offload.files import deliveries
from offload.jobs import celery_events
from offload.results import result_backend, task_results
from offload.runs import step_ends

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.canvas.following.tail import Ended
    from offload.db.statements import Statement
    from offload.models import Job
    from offload.results.result_backend import Result


class Phase(enum.Enum):
    """The time at which a sink acts; it decides how often it acts, and who tries again."""

    #: Outside the job's database, at least once. The job is marked as due with its end, and the
    #: mark stays until all of these are done: by a finish right after its commit, else by the
    #: sweep, which tries all of them again.
    OUTSIDE = enum.auto()
    #: In the transaction that makes the job final or clears its mark, exactly once. What fails
    #: undoes that transaction: a finish is tried again by its run, all else by the sweep. Where a
    #: finish did these and something OUTSIDE is left, they are asked again whether they want to:
    #: what is done must show in the row, as it does for the tail.
    INSIDE = enum.auto()
    #: After that transaction, at most once; nobody tries again. It is called inside, where it can
    #: still read, and does what it does on commit.
    AFTER = enum.auto()


PHASES = tuple(Phase)


class Completion(Protocol):
    """A job that is final, or becomes final in this transaction, as its sinks see it."""

    @property
    def job_id(self) -> str:
        """Return the job's id."""

    @property
    def is_silent(self) -> bool:
        """Return whether Celery's backend keeps no result."""

    @property
    def has_tail(self) -> bool:
        """Return whether the job has successors or a join."""

    @property
    def has_failed(self) -> bool:
        """Return whether it ends because of a failure, a loss or its time."""

    @property
    def step(self) -> str:
        """Return the name of the step that it is in its run; "" for a job that is none."""

    @property
    def orders(self) -> object:
        """Return the frozen orders for deliveries of outputs; None if there are none to make."""

    @property
    def result(self) -> Result:
        """Return the result for Celery's backend."""

    @property
    def ended(self) -> Ended:
        """Return the end, for the job's successors."""

    @property
    def job(self) -> Job | None:
        """Return the job's row, or None if its own attempt makes it final."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """One thing that happens when a job is final."""

    #: Its name in the log.
    name: str
    phase: Phase
    #: Tells whether it has anything to do for this job.
    wants: Callable[[Completion], bool]
    act: Callable[[Completion], object]
    #: The same as one statement, for a sink INSIDE: the first of these goes with the finish in one
    #: round trip, which then needs no transaction around it.
    statement: Callable[[Completion], Statement] | None = None


class Wanted(NamedTuple):
    """The sinks that have something to do for one job, by their phase, in order."""

    outside: list[Sink]
    inside: list[Sink]
    after: list[Sink]


def wanted(end: Completion) -> Wanted:
    """Return the sinks that have something to do."""
    found = [sink for sink in SINKS if sink.wants(end)]
    return Wanted(*([sink for sink in found if sink.phase is phase] for phase in PHASES))


def _is_stored_elsewhere(end: Completion) -> bool:
    return not end.is_silent and not task_results.in_transaction()


def _store_elsewhere(end: Completion) -> None:
    result_backend.store(end.result)


def _is_stored_here(end: Completion) -> bool:
    return not end.is_silent and task_results.in_transaction()


def _store_here(end: Completion) -> None:
    task_results.write(end.result)


def _storing_here(end: Completion) -> Statement:
    return task_results.upsert(end.result, joined=True)


def _has_tail(end: Completion) -> bool:
    return end.has_tail


def _follow(end: Completion) -> None:
    tail.follow(end.ended)


def _is_step(end: Completion) -> bool:
    return bool(end.step)


def _advance_run(end: Completion) -> None:
    step_ends.take(end.ended)


def _has_orders(end: Completion) -> bool:
    return end.orders is not None


def _order(end: Completion) -> None:
    deliveries.note(end.job_id, end.orders)


def _has_failed(end: Completion) -> bool:
    return end.has_failed


def _note_placement(end: Completion) -> None:
    why_there.note(end.job_id)


def _is_concluded_by_others(end: Completion) -> bool:
    """Return whether no worker sends the event of this end; each sends those of its own runs."""
    return end.job is not None


def _send_celery_event(end: Completion) -> None:
    if end.job is not None:
        celery_events.send_revoked(end.job)


SINKS = (
    # Celery's result in a backend of its own. Writing it twice is harmless, leaving it out is not.
    Sink(name="result", phase=Phase.OUTSIDE, wants=_is_stored_elsewhere, act=_store_elsewhere),
    # Celery's result as a row beside the job's.
    Sink(
        name="result",
        phase=Phase.INSIDE,
        wants=_is_stored_here,
        act=_store_here,
        statement=_storing_here,
    ),
    # Successors: callbacks, the next step of a chain, joins. They may ask for the result.
    Sink(name="tail", phase=Phase.INSIDE, wants=_has_tail, act=_follow),
    # The run of a workflow, whose next steps begin; a run that knows of the end ignores it.
    Sink(name="run", phase=Phase.INSIDE, wants=_is_step, act=_advance_run),
    # Rows of the deliveries of its outputs, which a duty makes; a row that is there stays.
    Sink(name="deliveries", phase=Phase.INSIDE, wants=_has_orders, act=_order),
    # Why a failed job ran where it did, for people.
    Sink(name="placement", phase=Phase.AFTER, wants=_has_failed, act=_note_placement),
    # Celery's event of an end on request, for Flower and other listeners.
    Sink(name="event", phase=Phase.AFTER, wants=_is_concluded_by_others, act=_send_celery_event),
)
