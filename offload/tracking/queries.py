"""Where jobs wait, to whom they are bound, and what runs: questions that change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.placement.lanes import Lane
from offload.db import database
from offload.tracking.bindings import ACTIVE, BOUND_COLUMNS, JOB, QUEUED, WAITING, alone, read

if TYPE_CHECKING:
    from offload.tracking.bindings import Bound, Place


def unheard(instance: str, incarnation: str, *, first: float) -> list[Bound]:
    """Return the QUEUED jobs of an incarnation whose message is to be sent again.

    ``first`` is after how many seconds; each time doubles it.
    """
    since = database.later("%s * (%s - power(2, publishes + 1))")
    if database.vendor() == "sqlite":
        since = database.later("%s * (%s - (2 << publishes))")
    found = database.rows(
        f"SELECT {', '.join(BOUND_COLUMNS)} FROM {JOB} WHERE instance = %s AND incarnation = %s "
        f"AND {QUEUED} AND bound_at < {since}",
        [instance, incarnation, first, 1],
    )
    return [read(row) for row in found]


def waiting_lanes() -> list[Lane]:
    """Return the lanes in which jobs wait, by a few index steps per lane.

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
    waiting = "state = 'PENDING' AND hold = 'suspect' AND run_at IS NULL"
    found = database.rows(
        f"SELECT DISTINCT lane FROM {JOB} WHERE {waiting}{alone() if place else ''}",
        (place.instance, place.incarnation) if place else (),
        prepared=True,
    )
    return [Lane.parse(row[0]) for row in found]


def forced_on(instance: str, incarnation: str) -> set[tuple[str, int]]:
    """Return the running jobs of an incarnation that are to be ended by force."""
    found = database.rows(
        f"SELECT id, epoch FROM {JOB} WHERE instance = %s AND incarnation = %s "
        f"AND {ACTIVE} AND stop_forced",
        [instance, incarnation],
        prepared=True,
    )
    return set(found)


def active_on(instance: str, incarnation: str) -> set[tuple[str, int]]:
    """Return the jobs and epochs that run on an incarnation."""
    found = database.rows(
        f"SELECT id, epoch FROM {JOB} WHERE instance = %s AND incarnation = %s AND {ACTIVE}",
        [instance, incarnation],
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
        f"SELECT instance, count(*) FROM {JOB} "
        "WHERE state IN ('QUEUED', 'ACTIVE') AND instance <> '' GROUP BY instance",
        prepared=True,
    )
    return {row[0]: int(row[1]) for row in found}
