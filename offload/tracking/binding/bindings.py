"""PENDING → QUEUED: jobs bound to an instance, within its window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.conf import peers
from offload.core.states import JobState
from offload.db import database
from offload.db.statements import Statement, named, once_per_dialect, together
from offload.models import Job, Version
from offload.models.fields import decoded
from offload.models.indexes import BOUND, PENDING, WAITING, WAITING_SUSPECT
from offload.models.versions import TOPOLOGY
from offload.signals import StateChange, is_heard
from offload.tracking.binding import slots, waiting_heads
from offload.tracking.binding.waiting_heads import Head
from offload.tracking.peers.fitting import fits
from offload.tracking.selectors import HERE, IS_QUEUED, these
from offload.tracking.state_changes import send_on_commit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.envelopes import Key
    from offload.core.placement.lanes import Lane

JOB = Job._meta.db_table
#: The jobs that occupy the window of an incarnation (B5).
IN_WINDOW = f"{HERE} AND {BOUND}"
UNMOVED = (
    f"COALESCE((SELECT number FROM {Version._meta.db_table} WHERE name = '{TOPOLOGY}'), 0) "
    "= %(version)s"  # B8a
)
BOUND_COLUMNS = (
    "id", "epoch", "topic", "task", "attempts", "properties", "options", "priority", "failures",
    "parent_id", "root_id", "instance", "incarnation", "created_at", "queue", "lane", "args",
    "payload_id",
)  # fmt: skip
#: Lanes per statement, since SQLite allows at most 500 terms in a compound SELECT; and up to how
#: many the server keeps the statement's plan.
LANES_PER_STATEMENT, PREPARED_LANES = 100, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundJob:
    """A bound job, with the facts for its message."""

    id: str
    epoch: int
    topic: str
    task: str
    args: Sequence[Any]
    properties: dict[str, Any]
    options: dict[str, Any]
    priority: int
    failures: int
    parent_id: str
    root_id: str
    instance: str
    incarnation: str
    created_at: Any
    queue: str
    lane: str = ""
    #: Number of earlier attempts, and the payload with its files, if it has any.
    attempts: int = 0
    payload_id: str | None = None
    #: Whether the queue limits how many of its jobs run at once.
    is_limited: bool = False

    @property
    def key(self) -> Key:
        """Return the binding that its message is for."""
        return self.id, self.epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An instance with room, and the version of the topology under which it was chosen."""

    instance: str
    incarnation: str
    window: int
    version: int
    #: The cluster that it is in; empty for the own one.
    peer: str = ""

    def params(self) -> dict[str, object]:
        """Return the parameters of a binding statement."""
        return {
            "instance": self.instance,
            "incarnation": self.incarnation,
            "window": self.window,
            "version": self.version,
        }


def bind(
    place: Place,
    lanes: Sequence[Lane | Head],
    *,
    limit: int,
    suspect: bool = False,
    only: str = "",
) -> list[BoundJob]:
    """Bind the first waiting jobs of these lanes to the place, up to its window and ``limit``.

    ``suspect`` binds one suspect of a crash instead, if the instance has none yet. ``only`` is the
    id of the one job that may be bound. Nothing is bound if the topology has changed since the
    place was chosen, or while another process is binding to the instance.
    """
    if not lanes or limit < 1:
        return []
    found: list[BoundJob] = []
    line = [one if isinstance(one, Head) else Head(one) for one in lanes]
    for start in range(0, len(line), LANES_PER_STATEMENT):
        if len(found) < limit:
            part = line[start : start + LANES_PER_STATEMENT]
            change = _binding(place, part, limit - len(found), suspect, only)
            lock = slots.lock(place.instance, is_remote=bool(place.peer))
            found += read_bound(together(*lock, change)[-1])
    return found


def read_bound(found: Sequence[tuple[Any, ...]]) -> list[BoundJob]:
    """Return bound rows as values in their order, and tell of them after the commit."""
    jobs = [read(row) for row in found]
    if is_heard(JobState.QUEUED):
        send_on_commit([_change(job) for job in jobs])
    return sorted(jobs, key=lambda one: (-one.priority, one.created_at, one.id))


def _change(job: BoundJob) -> StateChange:
    return StateChange(
        job.id, JobState.PENDING, JobState.QUEUED, job.epoch, job.topic, job.queue, job.instance,
        job.attempts,
    )  # fmt: skip


def _binding(place: Place, line: Sequence[Head], limit: int, suspect: bool, only: str) -> Statement:
    return Statement(
        _bind(
            tuple(one.is_aged for one in line),
            suspect=suspect,
            only=bool(only),
            remote=bool(place.peer),
            clones=bool(peers()),
        ),
        named(
            place.params(),
            {"peer": place.peer} if place.peer else {},
            waiting_heads.params(line),
            {"only": only, "limit": 1 if suspect else limit},
        ),
        prepared=len(line) <= PREPARED_LANES,
    )


@once_per_dialect
def _bind(aged: tuple[bool, ...], *, suspect: bool, only: bool, remote: bool, clones: bool) -> str:
    which = WAITING_SUSPECT if suspect else WAITING
    fit = fits(remote=remote, clones=clones)
    waiting = " UNION ALL ".join(
        waiting_heads.head_sql(number, which, fit, only=only, aged=one)
        for number, one in enumerate(aged)
    )
    chosen = waiting_heads.chosen_sql(waiting, IN_WINDOW, aged=any(aged))
    return (
        f"{binding(remote=remote)} "
        f"WHERE {PENDING} AND id {chosen} AND {UNMOVED} "
        f"AND {slots.is_mine()} {alone() if suspect else ''}"
        f"RETURNING {', '.join(BOUND_COLUMNS)}"
    )


def binding(*, remote: bool) -> str:
    """Return an UPDATE that binds jobs to a place, up to its condition."""
    return (
        f"UPDATE {JOB} SET state = '{JobState.QUEUED}', instance = %(instance)s, "
        f"incarnation = %(incarnation)s, {'peer = %(peer)s, ' if remote else ''}"
        "epoch = epoch + 1, "  # B8
        f"bound_at = {database.now()}, publishes = 0, token = ''"
    )


def alone() -> str:
    """Return the condition that no other suspect is bound to the instance (R10)."""
    return f" AND NOT EXISTS (SELECT 1 FROM {JOB} WHERE {IN_WINDOW} AND hold = 'suspect') "


def read(row: tuple[Any, ...]) -> BoundJob:
    """Return a row of BOUND_COLUMNS as a value."""
    facts = dict(zip(BOUND_COLUMNS, row, strict=True))
    for name in ("args", "properties", "options"):
        facts[name] = decoded(facts[name])
    return BoundJob(**facts)


def note_published(jobs: Sequence[BoundJob], times: int = 1) -> None:
    """Count that messages of bound jobs are sent again; ``times=-1`` undoes it."""
    if jobs:
        sent = these([job.id for job in jobs])
        database.execute(
            f"UPDATE {JOB} SET publishes = publishes + %(times)s WHERE {sent.condition} "
            f"AND {IS_QUEUED} AND publishes + %(times)s >= 0",
            sent.given(times=times),
        )
