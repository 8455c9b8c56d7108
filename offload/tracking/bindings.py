"""PENDING → QUEUED: jobs bound to an instance, within its window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.db import database
from offload.db.statements import Statement, named, once_per_dialect, together
from offload.models import Exclusion, Job, Version
from offload.models.fields import decoded
from offload.models.indexes import BOUND, WAITING
from offload.models.versions import TOPOLOGY
from offload.signals import StateChange, is_heard
from offload.tracking import slots
from offload.tracking.changes import tell
from offload.tracking.drafts import COLUMNS, placeholders
from offload.tracking.selectors import these

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.placement.lanes import Lane
    from offload.tracking.drafts import Draft

JOB = Job._meta.db_table
#: What fills the window of an incarnation (B5).
IN_WINDOW = f"instance = %(instance)s AND incarnation = %(incarnation)s AND {BOUND}"
UNMOVED = (
    f"COALESCE((SELECT number FROM {Version._meta.db_table} WHERE name = '{TOPOLOGY}'), 0) "
    "= %(version)s"  # B8a
)
BOUND_COLUMNS = (
    "id", "epoch", "topic", "task", "args", "properties", "options", "priority", "failures",
    "parent_id", "root_id", "instance", "incarnation", "created_at", "queue", "attempts",
)  # fmt: skip


#: Lanes per statement: SQLite puts no more than 500 questions into one.
LANES_PER_STATEMENT = 100
#: Up to so many lanes the plan of a statement is kept.
PREPARED_LANES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundJob:
    """A job that was bound: what its message is made of."""

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
    #: How many attempts began before.
    attempts: int = 0
    #: Whether the queue limits how many of its jobs run at once.
    is_limited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An instance with room: where to bind, and under which topology that was decided."""

    instance: str
    incarnation: str
    window: int
    version: int

    def params(self) -> dict[str, object]:
        """Return the parameters of a statement that binds to it."""
        return {
            "instance": self.instance,
            "incarnation": self.incarnation,
            "window": self.window,
            "version": self.version,
        }


def bind(
    place: Place,
    lanes: Sequence[Lane],
    *,
    limit: int,
    suspect: bool = False,
    only: str = "",
) -> list[BoundJob]:
    """Bind the first waiting jobs of these lanes to the place, up to its window and ``limit``.

    ``suspect`` binds one of the suspects of a crash instead, if the instance has none yet.
    ``only`` is the id of the one job that may be bound.
    Nothing is bound where the topology has moved on since the place was chosen, or where
    somebody else is binding to the instance at this moment.
    """
    if not lanes or limit < 1:
        return []
    found: list[BoundJob] = []
    for start in range(0, len(lanes), LANES_PER_STATEMENT):
        if len(found) < limit:
            part = lanes[start : start + LANES_PER_STATEMENT]
            binding = _binding(place, part, limit - len(found), suspect, only)
            found += _bound(together(*slots.lock(place.instance), binding)[-1])
    return found


def insert_bound(place: Place, draft: Draft) -> tuple[bool, list[BoundJob]]:
    """Store a new job, bound at once if the place has room and none of its lane waits.

    Return whether it was new, and what was bound.
    """
    inserting = Statement(_inserting(), named(place.params(), draft.facts()))
    found = together(*slots.lock(place.instance), inserting)[-1]
    return bool(found), _bound([row[1:] for row in found if row[0] == "QUEUED"])


@once_per_dialect
def _inserting() -> str:
    """Return the SQL that stores a job as QUEUED where ``free`` holds, else as PENDING."""
    free = (
        f"SELECT {slots.is_mine()} AND {UNMOVED} "
        f"AND (SELECT count(*) FROM {JOB} WHERE {IN_WINDOW}) "
        f"< %(window)s AND NOT EXISTS (SELECT 1 FROM {JOB} WHERE {WAITING} AND lane = %(lane)s) "
        "AS free"
    )
    bound = {
        "state": "CASE WHEN free THEN 'QUEUED' ELSE 'PENDING' END",
        "instance": "CASE WHEN free THEN %(instance)s ELSE '' END",
        "incarnation": "CASE WHEN free THEN %(incarnation)s ELSE '' END",
        "epoch": "CASE WHEN free THEN 1 ELSE 0 END",
        "bound_at": f"CASE WHEN free THEN {database.now()} END",
    }
    return (
        f"WITH room AS MATERIALIZED ({free}) "
        f"INSERT INTO {JOB} ({', '.join((*COLUMNS, *bound))}) "
        f"SELECT {placeholders()}, {', '.join(bound.values())} FROM room WHERE true "
        f"ON CONFLICT (id) DO NOTHING RETURNING state, {', '.join(BOUND_COLUMNS)}"
    )


def _bound(found: list[tuple[Any, ...]]) -> list[BoundJob]:
    jobs = [read(row) for row in found]
    if is_heard("QUEUED"):
        tell([_change(job) for job in jobs])
    return sorted(jobs, key=lambda one: (-one.priority, one.created_at, one.id))


def _change(job: BoundJob) -> StateChange:
    return StateChange(
        job.id, "PENDING", "QUEUED", job.epoch, job.topic, job.queue, job.instance, job.attempts
    )


def _binding(
    place: Place, lanes: Sequence[Lane], limit: int, suspect: bool, only: str
) -> Statement:
    waiting = " UNION ALL ".join(_head(number, only) for number in range(len(lanes)))
    return Statement(
        f"UPDATE {JOB} SET state = 'QUEUED', instance = %(instance)s, "
        "incarnation = %(incarnation)s, epoch = epoch + 1, "  # B8
        f"bound_at = {database.now()}, publishes = 0, token = '' "
        f"WHERE state = 'PENDING' AND id {_chosen(waiting)} AND {UNMOVED} "
        f"AND {slots.is_mine()} {alone() if suspect else ''}"
        f"RETURNING {', '.join(BOUND_COLUMNS)}",
        named(
            place.params(),
            {f"lane_{number}": str(lane) for number, lane in enumerate(lanes)},
            {
                "hold": "suspect" if suspect else "",
                "only": only,
                "limit": 1 if suspect else limit,
            },
        ),
        prepared=len(lanes) <= PREPARED_LANES,
    )


def _head(number: int, only: str) -> str:
    """Return the question for the first jobs of one lane, or for one job of it (B4)."""
    return (
        f"SELECT * FROM (SELECT id, priority, created_at FROM {JOB} "
        f"WHERE state = 'PENDING' AND hold = %(hold)s AND run_at IS NULL "
        f"AND lane = %(lane_{number})s {'AND id = %(only)s ' if only else ''}"
        f"AND {not_excluded()} ORDER BY priority DESC, created_at, id LIMIT %(limit)s) AS head"
    )


def not_excluded() -> str:
    """Return the condition that no refusal keeps the job from the incarnation for a while."""
    return (
        f"NOT EXISTS (SELECT 1 FROM {Exclusion._meta.db_table} x WHERE x.job_id = {JOB}.id "
        f"AND x.incarnation = %(incarnation)s AND x.until > {database.now()})"
    )


def _chosen(waiting: str) -> str:
    """Return the condition for the first jobs of all lanes, as many as the window has room for.

    On PostgreSQL as arrays: a subquery in IN may be run once per row, and lock more each time.
    """
    free = f"%(window)s - (SELECT count(*) FROM {JOB} WHERE {IN_WINDOW})"
    ordered = f"SELECT id FROM ({waiting}) AS waiting ORDER BY priority DESC, created_at, id"
    if database.vendor() == "sqlite":
        return f"IN ({ordered} LIMIT max(0, min(%(limit)s, {free})))"
    return (
        f"= ANY(ARRAY(SELECT id FROM {JOB} WHERE state = 'PENDING' AND id = ANY(ARRAY({ordered})) "
        f"ORDER BY priority DESC, created_at, id LIMIT greatest(0, least(%(limit)s, {free})) "
        "FOR UPDATE SKIP LOCKED))"
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
    """Count that the messages of bound jobs are sent again; -1 times takes that back."""
    if jobs:
        sent = these([job.id for job in jobs])
        database.execute(
            f"UPDATE {JOB} SET publishes = publishes + %(times)s WHERE {sent.condition} "
            "AND state = 'QUEUED' AND publishes + %(times)s >= 0",
            sent.given(times=times),
        )
