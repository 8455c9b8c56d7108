"""Queries about waiting, bound and running jobs; they change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.placement.lanes import Lane
from offload.db import database
from offload.db.statements import numbered, placeholders
from offload.models import Instance
from offload.models.indexes import ACTIVE, BOUND, IN_ORDER, QUEUED, WAITING, WAITING_SUSPECT
from offload.tracking.binding.bindings import BOUND_COLUMNS, JOB, alone, read
from offload.tracking.peers.fitting import goes_to, travels_to
from offload.tracking.selectors import ORPHANED, bound_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.envelopes import Key
    from offload.tracking.binding.bindings import BoundJob, Place
    from offload.tracking.selectors import Selector

INSTANCE = Instance._meta.db_table
FIRST_IN_LANE = f"FROM {JOB} f WHERE {WAITING} AND f.lane = lanes.lane {IN_ORDER} LIMIT 1"
WAITING_LANES = (
    f"WITH RECURSIVE lanes(lane) AS (SELECT min(lane) FROM {JOB} WHERE {WAITING} UNION ALL "
    f"SELECT (SELECT min(lane) FROM {JOB} j WHERE {WAITING} AND j.lane > lanes.lane) "
    "FROM lanes WHERE lanes.lane IS NOT NULL) SELECT lane FROM lanes WHERE lane IS NOT NULL "
    f"ORDER BY (SELECT priority {FIRST_IN_LANE}) DESC, (SELECT created_at {FIRST_IN_LANE})"
)


def unheard(instance: str, incarnation: str, *, first: float) -> list[BoundJob]:
    """Return the QUEUED jobs of an incarnation whose messages are due to be sent again.

    ``first`` is the first delay in seconds; it doubles each time.
    """
    since = database.later("%(first)s * (1 - power(2, publishes + 1))")
    if database.vendor() == "sqlite":
        since = database.later("%(first)s * (1 - (2 << publishes))")
    held = bound_to(instance, incarnation)
    found = database.rows(
        f"SELECT {', '.join(BOUND_COLUMNS)} FROM {JOB} WHERE {held.condition} "
        f"AND {QUEUED} AND bound_at < {since}",
        held.given(first=first),
    )
    return [read(row) for row in found]


def unanswered(peer: str, *, first: float, limit: int) -> list[BoundJob]:
    """Return bound jobs whose envelopes are due, for the first time or again; oldest first (P1).

    ``first`` is the first pause in seconds; it doubles each time. What was asked to stop is
    withdrawn instead.
    """
    since = database.later("%(first)s * (1 - power(2, publishes))")
    if database.vendor() == "sqlite":
        since = database.later("%(first)s * (1 - (1 << publishes))")
    found = database.rows(
        f"SELECT {', '.join(BOUND_COLUMNS)} FROM {JOB} WHERE {QUEUED} AND peer = %(peer)s "
        f"AND NOT stop_requested AND bound_at <= {since} ORDER BY bound_at LIMIT %(limit)s",
        {"peer": peer, "first": first, "limit": limit},
    )
    return [read(row) for row in found]


def waiting_lanes() -> list[Lane]:
    """Return the lanes in which jobs wait, by a few index steps per lane (B4).

    Lanes are in the order of their first jobs, since not all of very many lanes are used at once.
    """
    return [Lane.parse(row[0]) for row in database.rows(WAITING_LANES, prepared=True)]


def first_of(lane: Lane, limit: int) -> list[str]:
    """Return the ids of the first waiting jobs of a lane."""
    found = database.rows(
        f"SELECT id FROM {JOB} WHERE {WAITING} AND lane = %(lane)s {IN_ORDER} LIMIT %(limit)s",
        {"lane": str(lane), "limit": limit},
    )
    return [row[0] for row in found]


def count_waiting(lane: Lane, limit: int) -> int:
    """Count the jobs that wait in a lane, suspects of a crash included, up to a limit."""
    first = (
        f"SELECT * FROM (SELECT 1 FROM {JOB} WHERE {{}} AND lane = %(lane)s LIMIT %(limit)s) AS w"
    )
    both = " UNION ALL ".join(first.format(one) for one in (WAITING, WAITING_SUSPECT))
    [[count]] = database.rows(
        f"SELECT count(*) FROM ({both}) AS line", {"lane": str(lane), "limit": limit}
    )
    return min(int(count), limit)


def travelling(lane: Lane, incarnations: Sequence[str], *, limit: int) -> tuple[int, int]:
    """Count waiting jobs of a lane: those that these instances of peers may get, and the rest.

    ``limit`` is how many are counted at most.
    """
    return preferring(lane, (), incarnations, limit=limit)


def preferring(
    lane: Lane, own: Sequence[str], others: Sequence[str], *, limit: int
) -> tuple[int, int]:
    """Count waiting jobs of a lane: those that preferred instances may get, and the rest.

    ``own`` are their incarnations in the own cluster, ``others`` those of peers; ``limit`` is how
    many are counted at most.
    """
    mine, far = numbered("own", own), numbered("incarnation", others)
    ways = [goes_to(placeholders(mine), len(mine))] if mine else []
    ways += [f"({travels_to(placeholders(far), len(far))})"] if far else []
    found = database.rows(
        "SELECT count(*), COALESCE(sum(CASE WHEN fits THEN 1 ELSE 0 END), 0) FROM ("
        f"SELECT {' OR '.join(ways)} AS fits FROM {JOB} "
        f"WHERE {WAITING} AND lane = %(lane)s {IN_ORDER} LIMIT %(limit)s) AS line",
        {**mine, **far, "lane": str(lane), "limit": limit},
    )
    count, fitting = (int(one) for one in found[0])
    return fitting, count - fitting


def suspects(place: Place | None = None) -> list[Lane]:
    """Return the lanes of waiting suspects of a crash; none while the place holds one."""
    found = database.rows(
        f"SELECT DISTINCT lane FROM {JOB} WHERE {WAITING_SUSPECT}{alone() if place else ''}",
        bound_to(place.instance, place.incarnation).params if place else {},
        prepared=True,
    )
    return [Lane.parse(row[0]) for row in found]


def forced_on(instance: str, incarnation: str) -> set[Key]:
    """Return the running jobs of an incarnation that must be stopped by force."""
    return _bindings(bound_to(instance, incarnation).where(f"{ACTIVE} AND stop_forced"))


def rerunning_on(instance: str, incarnation: str) -> set[Key]:
    """Return the running jobs of an incarnation that run again by themselves if they are lost."""
    return _bindings(bound_to(instance, incarnation).where(f"{ACTIVE} AND reruns"))


def active_on(instance: str, incarnation: str) -> set[Key]:
    """Return the jobs and epochs that run on an incarnation."""
    return _bindings(bound_to(instance, incarnation).where(ACTIVE))


def _bindings(jobs: Selector) -> set[Key]:
    sql = f"SELECT id, epoch FROM {JOB} WHERE {jobs.condition}"
    return set(database.rows(sql, jobs.params, prepared=True))


def unstarted(instance: str | None = None) -> list[tuple[str, str]]:
    """Return instance and topic of bound jobs that have not begun, on some or all instances."""
    found = database.rows(
        f"SELECT DISTINCT instance, topic FROM {JOB} WHERE {QUEUED}"
        + ("" if instance is None else " AND instance = %(instance)s"),
        {} if instance is None else {"instance": instance},
    )
    return [(row[0], row[1]) for row in found]


def unstarted_lanes(instance: str) -> list[Lane]:
    """Return the lanes of jobs that are bound to an instance and have not begun."""
    found = database.rows(
        f"SELECT DISTINCT lane FROM {JOB} WHERE {QUEUED} AND instance = %(instance)s",
        {"instance": instance},
    )
    return [Lane.parse(row[0]) for row in found]


def count_unstarted(instance: str, topic: str) -> int:
    """Return how many jobs of a topic are bound to an instance and have not begun."""
    [[count]] = database.rows(
        f"SELECT count(*) FROM {JOB} WHERE {QUEUED} AND instance = %(instance)s "
        "AND topic = %(topic)s",
        {"instance": instance, "topic": topic},
    )
    return int(count)


def loads_by_instance() -> dict[str, int]:
    """Return how many jobs are bound to each instance."""
    found = database.rows(
        f"SELECT instance, count(*) FROM {JOB} WHERE {BOUND} AND instance <> '' GROUP BY instance",
        prepared=True,
    )
    return {row[0]: int(row[1]) for row in found}


def orphans(limit: int = 500) -> list[str]:
    """Return ids of jobs that are bound to a gone incarnation (E4)."""
    found = database.rows(f"SELECT id FROM {JOB} WHERE {BOUND} AND {ORPHANED} LIMIT {limit}")
    return [row[0] for row in found]


def late_beside_room(age: float, limit: int = 100) -> list[tuple[Key, Lane, str]]:
    """Return jobs that have not begun for that many seconds while other instances have room.

    Each with its binding, its lane, and the instance that has it. Files on their way to a peer take
    their time, and would begin anew.
    """
    found = database.rows(
        f"SELECT id, epoch, lane, instance FROM {JOB} "
        f"WHERE {QUEUED} AND bound_at < {database.later('%(age)s')} "
        "AND (peer IS NULL OR payload_id IS NULL) "
        f"AND EXISTS (SELECT 1 FROM {INSTANCE} i WHERE i.mode = 'ready' "
        f"AND i.name <> {JOB}.instance"
        f" AND i.window > (SELECT count(*) FROM {JOB} b WHERE b.instance = i.name "
        f"AND b.{BOUND})) LIMIT {limit}",
        {"age": -age},
    )
    return [((row[0], row[1]), Lane.parse(row[2]), row[3]) for row in found]
