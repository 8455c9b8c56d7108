"""Lanes of jobs that have not ended: which instance they are kept to, written anew."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from offload.core.matching.rescue import RESCUE_SECONDS, Rescue
from offload.core.moments import after
from offload.core.placement.affinity import after_loss
from offload.core.placement.lanes import Lane
from offload.db import database
from offload.db.statements import numbered
from offload.models import Job, Queue
from offload.models.indexes import PENDING, UNFINISHED, WAITING, WAITING_SUSPECT
from offload.tracking.selectors import these

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from offload.core.placement.affinity import Affinity

JOB, QUEUE = Job._meta.db_table, Queue._meta.db_table
#: Characters of a lane at most.
LANE_MAX = Job._meta.get_field("lane").max_length or 0
#: Where a lost job runs again, and for how long it waits for its instance.
OF_QUEUE = f"FROM {QUEUE} q WHERE q.name = {JOB}.queue"
WISH = f"CASE WHEN rescue = '' THEN (SELECT q.rescue {OF_QUEUE}) ELSE rescue END"
WISH_SECONDS = f"(SELECT q.rescue_seconds {OF_QUEUE})"
#: The jobs that could be bound now, each part with its index.
WHICH = (WAITING, WAITING_SUSPECT)


def lock_run(run_id: str) -> None:
    """Lock a run's jobs that have not ended, in the order in which all lock jobs (B7)."""
    jobs = Job.objects.filter(run=run_id).unfinished().order_by("pk").select_for_update()
    list(jobs.values_list("pk", flat=True))


def keep_to(run_id: str, affinity: Affinity | None) -> int:
    """Keep a run's jobs that have not ended to an instance; return how many were not yet.

    Those that are bound finish where they are, and come back to this lane if they do not.
    """
    held = Job.objects.filter(run=run_id).unfinished().order_by().values_list("lane", flat=True)
    changed = 0
    for text in list(held.distinct()):
        new = str(replace(Lane.parse(text), affinity=affinity))
        if new != text:
            changed += database.execute(
                f"UPDATE {JOB} SET lane = %(new)s "
                f"WHERE run_id = %(run)s AND {UNFINISHED} AND lane = %(old)s",
                {"new": new, "old": text, "run": run_id},
            )
    return changed


def lift(lanes: Sequence[Lane], *, at_once: bool = False) -> int:
    """Let any instance run the jobs of these lanes whose time near one is over; return how many.

    ``at_once`` does not wait for the time.
    """
    return sum(_lift(which, lanes, at_once=at_once) for which in WHICH)


def _lift(which: object, lanes: Sequence[Lane], *, at_once: bool) -> int:
    old = numbered("old", [str(one) for one in lanes])
    new = numbered("new", [str(replace(one, affinity=None)) for one in lanes])
    ages = numbered("age", [_seconds(one, at_once=at_once) for one in lanes])
    cases = " ".join(f"WHEN %({a})s THEN %({b})s" for a, b in zip(old, new, strict=True))
    over = " OR ".join(
        f"({which} AND lane = %({name})s AND created_at <= {database.later(f'%({age})s')})"
        for name, age in zip(old, ages, strict=True)
    )
    return database.execute(
        f"UPDATE {JOB} SET lane = CASE lane {cases} ELSE lane END WHERE {over}",
        {**old, **new, **ages},
    )


def _seconds(lane: Lane, *, at_once: bool) -> float:
    return 0.0 if at_once or lane.affinity is None else -(lane.affinity.seconds or 0.0)


def runs_in(lane: Lane, limit: int) -> list[str | None]:
    """Return the runs whose jobs wait in a lane; None stands for jobs of no run."""
    both = " UNION ".join(
        f"SELECT run_id FROM {JOB} WHERE {which} AND lane = %(lane)s" for which in WHICH
    )
    return [row[0] for row in database.rows(f"{both} LIMIT {limit:d}", {"lane": str(lane)})]


def keep_lane(lane: Lane, affinity: Affinity | None) -> int:
    """Keep the jobs that wait in a lane to an instance; return how many."""
    return sum(
        database.execute(
            f"UPDATE {JOB} SET lane = %(new)s WHERE {which} AND lane = %(old)s",
            {"new": str(replace(lane, affinity=affinity)), "old": str(lane)},
        )
        for which in WHICH
    )


def instances_of(job_ids: Sequence[str]) -> dict[str, str]:
    """Return where jobs are, or ran last; "" for those that may get an instance yet."""
    rows = Job.objects.ids(job_ids).values_list("pk", "instance", "finished_at")
    return {pk: instance for pk, instance, ended in rows if instance or ended is None}


def ids_in(lane: Lane, limit: int = 500) -> list[str]:
    """Return the first jobs that wait in a lane, suspects of a crash too."""
    both = " UNION ".join(
        f"SELECT id FROM {JOB} WHERE {which} AND lane = %(lane)s" for which in WHICH
    )
    return [row[0] for row in database.rows(f"{both} LIMIT {limit:d}", {"lane": str(lane)})]


def free(lane: Lane) -> int:
    """Let any instance run the jobs that wait in a lane and belong to no run; return how many."""
    return sum(
        database.execute(
            f"UPDATE {JOB} SET lane = %(new)s WHERE {which} AND run_id IS NULL AND lane = %(old)s",
            {"new": str(replace(lane, affinity=None)), "old": str(lane)},
        )
        for which in WHICH
    )


def rescue(lost: Mapping[str, str], now: datetime) -> int:
    """Keep jobs whose runs were lost to where their consumers or queues say; return how many.

    ``lost`` has by job the instance that lost it. A consumer's wish was stored by the claim.
    """
    moves: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    jobs = these(list(lost))
    for job_id, old, wish, seconds in database.rows(
        f"SELECT id, lane, {WISH}, {WISH_SECONDS} FROM {JOB} WHERE {jobs.condition} AND {PENDING}",
        jobs.params,
    ):
        if wish and wish != Rescue.ANYWHERE:
            until = int(after(now, RESCUE_SECONDS if seconds is None else seconds).timestamp())
            new = _kept(Lane.parse(old), Rescue(wish), lost[job_id], until)
            moves[old, new].append(job_id)
    return sum(_move(old, new, ids) for (old, new), ids in moves.items() if old != new)


def _kept(lane: Lane, where: Rescue, name: str, until: int) -> str:
    """Return the lane of a job after a loss; one that would be too long stays as it is."""
    found = str(replace(lane, affinity=after_loss(where, name, lane.affinity, until=until)))
    return found if len(found) <= LANE_MAX else str(lane)


def _move(old: str, new: str, ids: Sequence[str]) -> int:
    jobs = these(ids)
    return database.execute(
        f"UPDATE {JOB} SET lane = %(new)s WHERE {jobs.condition} AND {PENDING} AND lane = %(old)s",
        jobs.given(old=old, new=new),
    )
