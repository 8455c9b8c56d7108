"""Ends without a run: stop, drop, expiry; and the mark that something is still due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import settings
from offload.db import database
from offload.db.statements import assignments, named
from offload.models import Job
from offload.models.indexes import HANDED_OVER, UNBEGUN
from offload.tracking.changes import tell, told, told_columns
from offload.tracking.selectors import Selector, these

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.signals import StateChange
JOB = Job._meta.db_table
#: A plain Celery task that somebody began to send is Celery's to stop.
SENT_TO_CELERY = "(hold = 'relay' AND (publishes > 0 OR bound_at IS NOT NULL))"
NEVER_BEGAN = "attempts = 0"
#: What was handed over is too: nothing of it runs here.
ENDABLE = f"({UNBEGUN} AND NOT {SENT_TO_CELERY} OR ({HANDED_OVER}))"
#: Compared, since some SQLite take any column of RETURNING for one that IS NOT NULL.
STATE_BEFORE = (
    "CASE WHEN handed_until >= created_at THEN 'ACTIVE' "
    "WHEN instance = '' THEN 'PENDING' ELSE 'QUEUED' END"
)


def stop(job_ids: Sequence[str], *, force: bool = False) -> list[StateChange]:
    """Request the end of jobs: those that wait or were handed over are STOPPED at once (E1).

    Running ones are asked; ``force`` has their process killed by its instance. A plain Celery
    task that was sent is asked too, and is not sent again. Return those that were STOPPED.
    """
    if not job_ids:
        return []
    now, jobs = database.now(), these(job_ids)
    found = database.rows(
        f"UPDATE {JOB} SET stop_requested = true, "
        "stop_forced = stop_forced OR %(force)s, "
        f"state = CASE WHEN {ENDABLE} THEN 'STOPPED' ELSE state END, "
        f"finished_at = CASE WHEN {ENDABLE} THEN {now} ELSE finished_at END, "
        f"aftermath_due = {ENDABLE} OR aftermath_due "
        f"WHERE {jobs.condition} AND state IN ('PENDING', 'QUEUED', 'ACTIVE') "
        f"RETURNING {told_columns()}, {STATE_BEFORE}",
        jobs.given(force=force),
    )
    changes = [told(row, old) for *row, old in found if row[1] == "STOPPED"]
    tell(changes)
    return changes


def is_any_overdue() -> bool:
    """Return whether a job was not begun in its time."""
    return bool(database.rows(f"SELECT 1 FROM {JOB} WHERE {_overdue()} LIMIT 1"))


def expire(limit: int = 500) -> list[StateChange]:
    """Make jobs EXPIRED that were not begun in their time.

    One that began in time and waits for another attempt does not expire any more.
    """
    if not is_any_overdue():
        return []
    overdue = f"id IN (SELECT id FROM {JOB} WHERE {_overdue()} LIMIT {limit}) AND {NEVER_BEGAN}"
    return _finish(Selector(f"{overdue} AND {UNBEGUN}"), "EXPIRED")


def _overdue() -> str:
    return f"{UNBEGUN} AND expires_at <= {database.now()} AND {NEVER_BEGAN}"


def drop(job_ids: Sequence[str]) -> list[StateChange]:
    """Make jobs that wait or were handed over DROPPED, save plain Celery tasks that were sent."""
    if not job_ids:
        return []
    return _finish(these(job_ids).where(ENDABLE), "DROPPED")


def give_up(
    job_ids: Sequence[str], *, state: str, error_type: str, error: str
) -> list[StateChange]:
    """Make waiting jobs final with an error: what they wait for can never come."""
    if not job_ids:
        return []
    columns = {"error_type": error_type, "error": error}
    return _finish(these(job_ids).where(UNBEGUN), state, columns)


def _finish(
    jobs: Selector, state: str, error: Mapping[str, str] | None = None
) -> list[StateChange]:
    columns = {"state": state, **(error or {})}
    found = database.rows(
        f"UPDATE {JOB} SET {assignments(columns)}, finished_at = {database.now()}, "
        f"aftermath_due = true WHERE {jobs.condition} RETURNING {told_columns()}, {STATE_BEFORE}",
        named(jobs.params, columns),
    )
    changes = [told(row, old) for *row, old in found]
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
    """Clear the mark; return whether it was set, so that one caller alone does what is due (K1).

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
