"""Where jobs wait, to whom they are bound, and what runs: questions that change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.placement.lanes import Lane
from offload.db import database
from offload.models import Instance
from offload.models.indexes import ACTIVE, BOUND, QUEUED, SUSPECT, WAITING
from offload.tracking.bindings import BOUND_COLUMNS, JOB, alone, read
from offload.tracking.selectors import STRAY, bound_to

if TYPE_CHECKING:
    from offload.core.envelopes import Key
    from offload.tracking.bindings import BoundJob, Place

INSTANCE = Instance._meta.db_table


def unheard(instance: str, incarnation: str, *, first: float) -> list[BoundJob]:
    """Return the QUEUED jobs of an incarnation whose message is to be sent again.

    ``first`` is after how many seconds; each time doubles it.
    """
    since = database.later("%(first)s * (1 - power(2, publishes + 1))")
    if database.vendor() == "sqlite":
        since = database.later("%(first)s * (1 - (2 << publishes))")
    here = bound_to(instance, incarnation)
    found = database.rows(
        f"SELECT {', '.join(BOUND_COLUMNS)} FROM {JOB} WHERE {here.condition} "
        f"AND {QUEUED} AND bound_at < {since}",
        here.given(first=first),
    )
    return [read(row) for row in found]


def waiting_lanes() -> list[Lane]:
    """Return the lanes in which jobs wait, by a few index steps per lane (B4).

    Those come first whose first job does: of very many lanes not all are asked at once.
    """
    first = (
        f"FROM {JOB} f WHERE {WAITING} AND f.lane = lanes.lane "
        "ORDER BY priority DESC, created_at, id LIMIT 1"
    )
    found = database.rows(
        f"WITH RECURSIVE lanes(lane) AS (SELECT min(lane) FROM {JOB} WHERE {WAITING} UNION ALL "
        f"SELECT (SELECT min(lane) FROM {JOB} j WHERE {WAITING} AND j.lane > lanes.lane) "
        "FROM lanes WHERE lanes.lane IS NOT NULL) SELECT lane FROM lanes WHERE lane IS NOT NULL "
        f"ORDER BY (SELECT priority {first}) DESC, (SELECT created_at {first})",
        prepared=True,
    )
    return [Lane.parse(row[0]) for row in found]


def suspects(place: Place | None = None) -> list[Lane]:
    """Return the lanes of waiting suspects of a crash; none while the place holds one."""
    found = database.rows(
        f"SELECT DISTINCT lane FROM {JOB} WHERE {SUSPECT} AND run_at IS NULL"
        f"{alone() if place else ''}",
        bound_to(place.instance, place.incarnation).params if place else (),
        prepared=True,
    )
    return [Lane.parse(row[0]) for row in found]


def forced_on(instance: str, incarnation: str) -> set[Key]:
    """Return the running jobs of an incarnation that are to be ended by force."""
    here = bound_to(instance, incarnation)
    found = database.rows(
        f"SELECT id, epoch FROM {JOB} WHERE {here.condition} AND {ACTIVE} AND stop_forced",
        here.params,
        prepared=True,
    )
    return set(found)


def active_on(instance: str, incarnation: str) -> set[Key]:
    """Return the jobs and epochs that run on an incarnation."""
    here = bound_to(instance, incarnation)
    found = database.rows(
        f"SELECT id, epoch FROM {JOB} WHERE {here.condition} AND {ACTIVE}",
        here.params,
        prepared=True,
    )
    return {(row[0], row[1]) for row in found}


def unstarted(instance: str | None = None) -> list[tuple[str, str]]:
    """Return instance and topic of what is bound and has not begun, there or anywhere."""
    found = database.rows(
        f"SELECT DISTINCT instance, topic FROM {JOB} WHERE {QUEUED}"
        + ("" if instance is None else " AND instance = %s"),
        [] if instance is None else [instance],
    )
    return [(row[0], row[1]) for row in found]


def loads_by_instance() -> dict[str, int]:
    """Return how many jobs are bound to each instance."""
    found = database.rows(
        f"SELECT instance, count(*) FROM {JOB} WHERE {BOUND} AND instance <> '' GROUP BY instance",
        prepared=True,
    )
    return {row[0]: int(row[1]) for row in found}


def strays(limit: int = 500) -> list[str]:
    """Return ids of jobs that are bound to an incarnation that does not live (E4)."""
    found = database.rows(f"SELECT id FROM {JOB} WHERE {BOUND} AND {STRAY} LIMIT {limit}")
    return [row[0] for row in found]


def late_beside_room(age: float, limit: int = 100) -> list[tuple[str, int, Lane, str]]:
    """Return jobs that were bound so many seconds ago and not begun, while others have room.

    Each with its epoch, its lane, and the instance that has it.
    """
    found = database.rows(
        f"SELECT id, epoch, lane, instance FROM {JOB} "
        f"WHERE {QUEUED} AND bound_at < {database.later()} "
        f"AND EXISTS (SELECT 1 FROM {INSTANCE} i WHERE i.mode = 'ready' "
        f"AND i.name <> {JOB}.instance"
        f" AND i.window > (SELECT count(*) FROM {JOB} b WHERE b.instance = i.name "
        f"AND b.{BOUND})) LIMIT {limit}",
        [-age],
    )
    return [(row[0], row[1], Lane.parse(row[2]), row[3]) for row in found]
