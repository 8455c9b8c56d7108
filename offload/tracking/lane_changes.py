"""Lanes of jobs that have not ended: which instance they are kept to, written anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from offload.core.placement.lanes import Lane
from offload.db import database
from offload.db.statements import numbered
from offload.models import Job
from offload.models.indexes import UNFINISHED, WAITING, WAITING_SUSPECT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.placement.affinity import Affinity

JOB = Job._meta.db_table
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


def free(lane: Lane) -> int:
    """Let any instance run the jobs that wait in a lane and belong to no run; return how many."""
    return sum(
        database.execute(
            f"UPDATE {JOB} SET lane = %(new)s WHERE {which} AND run_id IS NULL AND lane = %(old)s",
            {"new": str(replace(lane, affinity=None)), "old": str(lane)},
        )
        for which in WHICH
    )
