"""Ends without a run: stop, drop, expiry; and the mark that sinks are due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import peers, settings
from offload.core.states import JobState
from offload.db import database
from offload.db.statements import assignments, named
from offload.models import Job
from offload.models.indexes import ENDABLE, UNFINISHED, UNSTARTED
from offload.tracking.peers import withdrawals
from offload.tracking.selectors import NOT_AT_PEER, Selector, these
from offload.tracking.state_changes import change_columns, send_on_commit, state_change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.signals import StateChange
JOB = Job._meta.db_table
NEVER_BEGAN = "attempts = 0"
#: A comparison, because some versions of SQLite take any column in RETURNING as NOT NULL.
STATE_BEFORE = (
    f"CASE WHEN handed_until >= created_at THEN '{JobState.ACTIVE}' "
    f"WHEN instance = '' THEN '{JobState.PENDING}' ELSE '{JobState.QUEUED}' END"
)


def stop(job_ids: Sequence[str], *, force: bool = False) -> list[StateChange]:
    """Ask jobs to stop; those that wait or were handed over are STOPPED at once (E1).

    Running ones are asked; with ``force``, their instance kills the process. A plain Celery task
    that was sent is asked too, and not sent again. Return the changes of those that were STOPPED.
    """
    if not job_ids:
        return []
    if not peers():
        return _stop(job_ids, force=force)
    with database.atomic():
        # P7: a job that waits at a peer may run already, so it is only asked.
        withdrawals.withdraw(these(job_ids), stops_runs=True, is_forced=force)
        return _stop(job_ids, force=force)


def _stop(job_ids: Sequence[str], *, force: bool) -> list[StateChange]:
    now, jobs = database.now(), these(job_ids)
    found = database.rows(
        f"UPDATE {JOB} SET stop_requested = true, "
        "stop_forced = stop_forced OR %(force)s, "
        f"state = CASE WHEN {ENDABLE} THEN '{JobState.STOPPED}' ELSE state END, "
        f"finished_at = CASE WHEN {ENDABLE} THEN {now} ELSE finished_at END, "
        f"aftermath_due = {ENDABLE} OR aftermath_due "
        f"WHERE {jobs.condition} AND {UNFINISHED} "
        f"RETURNING {change_columns()}, {STATE_BEFORE}",
        jobs.given(force=force),
    )
    changes = [state_change(row, old) for *row, old in found if row[1] == JobState.STOPPED]
    send_on_commit(changes)
    return changes


def is_any_overdue() -> bool:
    """Return whether an unstarted job has expired."""
    return bool(database.rows(f"SELECT 1 FROM {JOB} WHERE {_overdue()} LIMIT 1"))


def expire(limit: int = 500) -> list[StateChange]:
    """Make jobs EXPIRED that did not begin in time.

    A job that began in time and waits for another attempt no longer expires.
    """
    if not is_any_overdue():
        return []
    overdue = f"id IN (SELECT id FROM {JOB} WHERE {_overdue()} LIMIT {limit}) AND {NEVER_BEGAN}"
    return _finish(Selector(f"{overdue} AND {UNSTARTED}"), JobState.EXPIRED)


def _overdue() -> str:
    return f"{UNSTARTED} AND expires_at <= {database.now()} AND {NEVER_BEGAN} AND {NOT_AT_PEER}"


def drop(job_ids: Sequence[str]) -> list[StateChange]:
    """Make jobs that wait or were handed over DROPPED, except plain Celery tasks that were sent."""
    if not job_ids:
        return []
    return _finish(these(job_ids).where(ENDABLE), JobState.DROPPED)


def give_up(
    job_ids: Sequence[str], *, state: str, error_type: str, error: str
) -> list[StateChange]:
    """Make waiting jobs final with an error, because their dependencies can never end."""
    if not job_ids:
        return []
    columns = {"error_type": error_type, "error": error}
    return _finish(these(job_ids).where(UNSTARTED), state, columns)


def _finish(
    jobs: Selector, state: str, error: Mapping[str, str] | None = None
) -> list[StateChange]:
    columns = {"state": state, **(error or {})}
    found = database.rows(
        f"UPDATE {JOB} SET {assignments(columns)}, finished_at = {database.now()}, "
        f"aftermath_due = true WHERE {jobs.condition} RETURNING {change_columns()}, {STATE_BEFORE}",
        named(jobs.params, columns),
    )
    changes = [state_change(row, old) for *row, old in found]
    send_on_commit(changes)
    return changes


def due(limit: int = 200, *, after: str = "") -> list[str]:
    """Return ids of final jobs with due sinks, starting behind an id.

    After the last come the first again, so that jobs that keep failing do not block others.
    """
    # By the ORM, because each version of Django writes the index's condition differently.
    due_now = Job.objects.filter(aftermath_due=True).order_by("id").values_list("id", flat=True)
    found = list(due_now.filter(id__gt=after)[:limit])
    if after and len(found) < limit:
        found += due_now.filter(id__lte=after)[: limit - len(found)]
    return found


def take_aftermath(job_id: str, *, is_kept: bool) -> bool:
    """Clear the mark; return whether it was set, so that only one caller runs the sinks (K1).

    A value too large for the row is dropped now if Celery's backend keeps it (``is_kept``).
    """
    return bool(
        database.execute(
            f"UPDATE {JOB} SET aftermath_due = false, has_tail = false, tail = NULL, "
            "result = CASE WHEN %(is_kept)s AND length(result) > %(max_result)s THEN NULL "
            "ELSE result END WHERE id = %(job_id)s AND aftermath_due",
            {"is_kept": is_kept, "max_result": settings().max_result, "job_id": job_id},
        )
    )
