"""The sinks of a job that is final: everything that happens then, in order, one entry each.

Two walk through this list: ``endings`` where an attempt makes its own job final, in the transaction
of that finish; ``aftermath`` for every other end, and for what a finish left undone, by
compare-and-set of the mark that something is due.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from offload.canvas.following import tail
from offload.db.statements import if_changed
from offload.jobs import celery_events
from offload.results import result_backend, task_results

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.canvas.following.tail import Ended
    from offload.db.statements import Statement
    from offload.models import Job
    from offload.results.result_backend import Result


class Phase(enum.Enum):
    """When a sink acts, how often, and who tries again."""

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
    """A job that is final, or becomes so in this transaction, as its sinks see it."""

    @property
    def job_id(self) -> str:
        """Return the job's id."""

    @property
    def is_silent(self) -> bool:
        """Return whether Celery's backend is to say nothing."""

    @property
    def has_tail(self) -> bool:
        """Return whether something hangs on the end."""

    @property
    def result(self) -> Result:
        """Return what Celery's backend is to say."""

    @property
    def ended(self) -> Ended:
        """Return the end, for what hangs on it."""

    @property
    def job(self) -> Job | None:
        """Return the row of a job that others conclude; None where its attempt makes it final."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """One thing that happens when a job is final."""

    #: As it is called in the log, where it could not be done.
    name: str
    phase: Phase
    #: Whether it has anything to do for this job.
    wants: Callable[[Completion], bool]
    act: Callable[[Completion], object]
    #: The same as a statement, for one that is INSIDE: the first of these goes in one round trip
    #: with a finish, which needs no transaction around it then.
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
    return task_results.upsert(end.result, where=if_changed())


def _has_tail(end: Completion) -> bool:
    return end.has_tail


def _follow(end: Completion) -> None:
    tail.follow(end.ended)


def _is_concluded_by_others(end: Completion) -> bool:
    """Return whether no worker may have told of the end: each tells of what it ran."""
    return end.job is not None


def _tell_celery(end: Completion) -> None:
    if end.job is not None:
        celery_events.tell(end.job)


SINKS = (
    # Celery's result in a backend of its own. Writing it twice is harmless, not at all is not.
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
    # Celery's event of an end by request, for Flower and its like.
    Sink(name="event", phase=Phase.AFTER, wants=_is_concluded_by_others, act=_tell_celery),
)
