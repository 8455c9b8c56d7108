"""Ends without a run: stop, drop, expiry; and the mark that something is still due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import settings
from offload.db import database
from offload.models import Job
from offload.tracking.changes import Change, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

JOB = Job._meta.db_table
WAITING = "state IN ('PENDING', 'QUEUED')"
#: A plain Celery task that somebody began to send is Celery's to stop.
SENT = "(hold = 'relay' AND (publishes > 0 OR bound_at IS NOT NULL))"
NEVER_BEGAN = "attempts = 0"
#: Nothing of it runs here.
HANDED = "(state = 'ACTIVE' AND handed_until IS NOT NULL)"
ENDABLE = f"({WAITING} AND NOT {SENT} OR {HANDED})"
#: Compared, since some SQLite take any column of RETURNING for one that IS NOT NULL.
BEFORE = (
    "CASE WHEN handed_until >= created_at THEN 'ACTIVE' "
    "WHEN instance = '' THEN 'PENDING' ELSE 'QUEUED' END"
)


def stop(job_ids: Sequence[str], *, force: bool = False) -> list[Change]:
    """Request the end of jobs: those that wait or were handed over are STOPPED at once.

    Running ones are asked; ``force`` has their process killed by its instance. A plain Celery
    task that was sent is asked too, and is not sent again. Return those that were STOPPED.
    """
    if not job_ids:
        return []
    now = database.now()
    found = database.rows(
        f"UPDATE {JOB} SET stop_requested = true, "
        "stop_forced = stop_forced OR %s, "
        f"state = CASE WHEN {ENDABLE} THEN 'STOPPED' ELSE state END, "
        f"finished_at = CASE WHEN {ENDABLE} THEN {now} ELSE finished_at END, "
        f"aftermath_due = {ENDABLE} OR aftermath_due "
        f"WHERE id IN ({database.marks(job_ids)}) AND state IN ('PENDING', 'QUEUED', 'ACTIVE') "
        f"RETURNING id, {BEFORE}, state, epoch",
        [force, *job_ids],
    )
    changes = [Change(*row) for row in found if row[2] == "STOPPED"]
    tell(changes)
    return changes


def is_any_late() -> bool:
    """Return whether a job was not begun in its time."""
    return bool(database.rows(f"SELECT 1 FROM {JOB} WHERE {_late()} LIMIT 1"))


def expire(limit: int = 500) -> list[Change]:
    """Make jobs EXPIRED that were not begun in their time.

    One that began in time and waits for another attempt does not expire any more.
    """
    if not is_any_late():
        return []
    late = f"id IN (SELECT id FROM {JOB} WHERE {_late()} LIMIT {limit}) AND {NEVER_BEGAN}"
    return _finish(late, [], "EXPIRED")


def _late() -> str:
    return f"{WAITING} AND expires_at <= {database.now()} AND {NEVER_BEGAN}"


def drop(job_ids: Sequence[str]) -> list[Change]:
    """Make jobs that wait or were handed over DROPPED, save plain Celery tasks that were sent."""
    if not job_ids:
        return []
    return _finish(f"id IN ({database.marks(job_ids)})", list(job_ids), "DROPPED", among=ENDABLE)


def give_up(job_ids: Sequence[str], *, state: str, error_type: str, error: str) -> list[Change]:
    """Make waiting jobs final with an error: what they wait for can never come."""
    if not job_ids:
        return []
    return _finish(
        f"id IN ({database.marks(job_ids)})",
        list(job_ids),
        state,
        also=", error_type = %s, error = %s",
        values=[error_type, error],
    )


def _finish(
    where: str,
    params: Sequence[object],
    state: str,
    *,
    also: str = "",
    values: Sequence[object] = (),
    among: str = WAITING,
) -> list[Change]:
    found = database.rows(
        f"UPDATE {JOB} SET state = %s, finished_at = {database.now()}, aftermath_due = true{also} "
        f"WHERE {where} AND {among} RETURNING id, {BEFORE}, state, epoch",
        [state, *values, *params],
    )
    changes = [Change(*row) for row in found]
    tell(changes)
    return changes


def due(limit: int = 200, *, after: str = "") -> list[str]:
    """Return ids of final jobs with something still to be done, the next ones behind an id.

    Behind the last come the first again: those that fail each time keep no others back.
    """
    # Not in SQL of our own: each version of Django writes the index's condition in its way.
    due_now = Job.objects.filter(aftermath_due=True).order_by("id").values_list("id", flat=True)
    found = list(due_now.filter(id__gt=after)[:limit])
    if after and len(found) < limit:
        found += due_now.filter(id__lte=after)[: limit - len(found)]
    return found


def take_aftermath(job_id: str, *, is_kept: bool) -> bool:
    """Clear the mark; return whether it was set, so that one caller alone does what is due.

    A value too large for the row is dropped now, if it ``is_kept`` by Celery's backend.
    """
    return bool(
        database.execute(
            f"UPDATE {JOB} SET aftermath_due = false, has_tail = false, tail = NULL, "
            "result = CASE WHEN %s AND length(result) > %s THEN NULL ELSE result END "
            "WHERE id = %s AND aftermath_due",
            [is_kept, settings().max_result, job_id],
        )
    )
