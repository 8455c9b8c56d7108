"""The first waiting jobs of lanes, in SQL: by priority, or by priority and waiting together.

A job of a queue with ageing counts as its priority, and as one more per `ageing` seconds that it
has waited. Nothing of that is stored: among jobs of one priority it is the order of submission, so
the first ones of each priority are enough, and the index of waiting jobs finds the priorities of a
lane by one step each. A changed ageing acts at once on all that wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.db import database
from offload.models import Job
from offload.models.indexes import IN_ORDER, PENDING, WAITING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.placement.lanes import Lane
    from offload.models.indexes import Predicate

JOB = Job._meta.db_table
#: Priorities of one lane that are looked at, the highest first.
PRIORITIES_MAX = 100
PRIORITIES = (
    f"WITH RECURSIVE steps(priority, number) AS (SELECT max(priority), 1 FROM {JOB} "
    f"WHERE {WAITING} AND lane = %(lane)s UNION ALL SELECT (SELECT max(priority) FROM {JOB} j "
    f"WHERE {WAITING} AND lane = %(lane)s AND j.priority < steps.priority), number + 1 "
    "FROM steps WHERE steps.priority IS NOT NULL AND number < %(most)s) "
    "SELECT priority FROM steps WHERE priority IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Head:
    """The first jobs of a lane, or of one priority of it."""

    lane: Lane
    priority: int | None = None
    #: Seconds of waiting that count as one step of priority; None if waiting does not count.
    ageing: float | None = None

    @property
    def is_aged(self) -> bool:
        """Tell whether waiting counts."""
        return self.ageing is not None


def heads(lane: Lane, ageing: float | None) -> list[Head]:
    """Return the heads of a lane: one, or with ageing one per priority that waits in it."""
    if ageing is None:
        return [Head(lane)]
    params = {"lane": str(lane), "most": PRIORITIES_MAX}
    return [Head(lane, row[0], ageing) for row in database.rows(PRIORITIES, params)]


def params(line: Sequence[Head]) -> dict[str, object]:
    """Return the parameters of heads by their numbers."""
    found: dict[str, object] = {f"lane_{number}": str(one.lane) for number, one in enumerate(line)}
    for number, one in enumerate(line):
        if one.is_aged:
            found |= {f"priority_{number}": one.priority, f"ageing_{number}": one.ageing}
    return found


def head_sql(number: int, which: Predicate, fit: str, *, only: bool, aged: bool) -> str:
    """Return the SELECT of the first jobs of one head, or of one job of it (B4)."""
    priority, of_priority, order = "priority", "", IN_ORDER
    if aged:
        step = f"CAST(%(ageing_{number})s AS double precision)"
        priority = f"priority + {database.seconds_since('created_at')} / {step} AS priority"
        of_priority = f"AND priority = %(priority_{number})s "
        order = "ORDER BY created_at, id"
    return (
        f"SELECT * FROM (SELECT id, {priority}, created_at FROM {JOB} "
        f"WHERE {which} AND lane = %(lane_{number})s {of_priority}"
        f"{'AND id = %(only)s ' if only else ''}"
        f"AND {fit} {order} LIMIT %(limit)s) AS head"
    )


def chosen_sql(waiting: str, in_window: str, *, aged: bool) -> str:
    """Return the condition for the first jobs of all heads, as many as fit the window."""
    # PostgreSQL gets arrays: a subquery in IN may run once per row and lock more each time.
    free = f"%(window)s - (SELECT count(*) FROM {JOB} WHERE {in_window})"
    ordered = f"SELECT id FROM ({waiting}) AS waiting {IN_ORDER}"
    if database.vendor() == "sqlite":
        return f"IN ({ordered} LIMIT max(0, min(%(limit)s, {free})))"
    limit = f"LIMIT greatest(0, least(%(limit)s, {free}))"
    if aged:
        # By the priorities that waiting has raised, which the rows do not have.
        return (
            f"= ANY(ARRAY(SELECT {JOB}.id FROM ({waiting}) AS line "
            f"JOIN {JOB} ON {JOB}.id = line.id WHERE {PENDING} "
            f"ORDER BY line.priority DESC, line.created_at, line.id {limit} "
            f"FOR UPDATE OF {JOB} SKIP LOCKED))"
        )
    return (
        f"= ANY(ARRAY(SELECT id FROM {JOB} WHERE {PENDING} AND id = ANY(ARRAY({ordered})) "
        f"{IN_ORDER} {limit} FOR UPDATE SKIP LOCKED))"
    )
