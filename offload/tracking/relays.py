"""Rows of plain Celery tasks: sent after their transaction commits, closed at Celery's end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import JobState
from offload.db import database
from offload.db.statements import assignments
from offload.models import Job, Kind
from offload.models.indexes import RELAY, SENT_TO_CELERY, UNSENT
from offload.tracking.selectors import Selector, these
from offload.tracking.state_changes import change_columns, send_on_commit, state_change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.signals import StateChange
JOB = Job._meta.db_table
#: The time at which somebody began to publish it, or may have.
SENT_SINCE = "COALESCE(bound_at, created_at)"


def claim(job_ids: Sequence[str]) -> list[Job]:
    """Claim the relays among these that nobody began to publish (K2b); return them.

    A claim ends by itself, so that the sweep finds the relays of a dead process.
    """
    if not job_ids:
        return []
    return _claimed(these(job_ids).where(f"{UNSENT} AND bound_at IS NULL"))


def claim_left_behind(older_than: float, limit: int) -> list[Job]:
    """Claim relays that nobody published for that many seconds, the least recently tried first."""
    left = _left_behind(older_than)
    some = f"SELECT id FROM {JOB} WHERE {left.condition} ORDER BY {SENT_SINCE} LIMIT {limit}"
    return _claimed(left.where(f"id IN ({some})"))


def is_any_left_behind(older_than: float) -> bool:
    """Return whether a relay was not published for that many seconds."""
    left = _left_behind(older_than)
    return bool(database.rows(f"SELECT 1 FROM {JOB} WHERE {left.condition} LIMIT 1", left.params))


def _left_behind(older_than: float) -> Selector:
    return Selector(
        f"{UNSENT} AND {SENT_SINCE} < {database.later('%(age)s')}", {"age": -older_than}
    )


def _claimed(jobs: Selector) -> list[Job]:
    found = database.rows(
        f"UPDATE {JOB} SET bound_at = {database.now()} "
        f"WHERE {jobs.condition} AND NOT stop_requested RETURNING id",
        jobs.params,
    )
    return list(Job.objects.ids(row[0] for row in found).order_by("created_at", "id"))


def release(job_ids: Sequence[str]) -> None:
    """Release claimed relays that the claimer did not begin to publish."""
    if job_ids:
        jobs = these(job_ids)
        database.execute(
            f"UPDATE {JOB} SET bound_at = NULL WHERE {jobs.condition} AND {UNSENT}", jobs.params
        )


def sent(job_ids: Sequence[str]) -> list[str]:
    """Return the ids among these of open relays that somebody began to publish."""
    rows = Job.objects.ids(job_ids).filter(RELAY.q, SENT_TO_CELERY.q, kind=Kind.RELAY)
    return list(rows.values_list("pk", flat=True))


def mark_sent(job_ids: Sequence[str]) -> None:
    """Record that relays were published."""
    if job_ids:
        jobs = these(job_ids)
        database.execute(
            f"UPDATE {JOB} SET publishes = 1, bound_at = {database.now()}, error = '' "
            f"WHERE {jobs.condition} AND {RELAY}",
            jobs.params,
        )


def mark_failed(job_id: str, error: str) -> int:
    """Record why a relay could not be published this time; return how often that happened."""
    found = database.rows(
        f"UPDATE {JOB} SET error = %(error)s, refusals = refusals + 1 "
        f"WHERE id = %(job_id)s AND {RELAY} RETURNING refusals",
        {"error": error, "job_id": job_id},
    )
    return int(found[0][0]) if found else 0


def stop_unsent(older_than: float) -> list[StateChange]:
    """Make unsent relays STOPPED that were asked to stop while they were claimed."""
    found = database.rows(
        f"UPDATE {JOB} SET state = '{JobState.STOPPED}', finished_at = {database.now()}, "
        f"aftermath_due = true WHERE {UNSENT} AND stop_requested "
        f"AND bound_at < {database.later('%(age)s')} RETURNING {change_columns()}",
        {"age": -older_than},
    )
    changes = [state_change(row, JobState.PENDING) for row in found]
    send_on_commit(changes)
    return changes


def to_ask(older_than: float, limit: int) -> list[str]:
    """Return published relays that were not checked for that many seconds; record the check."""
    found = database.rows(
        f"UPDATE {JOB} SET bound_at = {database.now()} WHERE id IN (SELECT id FROM {JOB} "
        f"WHERE {RELAY} AND publishes > 0 AND bound_at < {database.later('%(age)s')} "
        f"ORDER BY bound_at LIMIT {limit}) RETURNING id",
        {"age": -older_than},
    )
    return [row[0] for row in found]


def close(
    job_id: str, state: str, *, result: str | None = None, error_type: str = "", error: str = ""
) -> bool:
    """Make an open relay final after Celery wrote its result; return whether it was open.

    The row of a run's task keeps the ``result``, which is JSON, and is due: its run goes on.
    """
    columns = {"state": state, "result": result, "error_type": error_type[:255], "error": error}
    found = database.rows(
        f"UPDATE {JOB} SET {assignments(columns)}, finished_at = {database.now()}, hold = '', "
        "aftermath_due = (run_id IS NOT NULL) "
        f"WHERE id = %(job_id)s AND {RELAY} RETURNING {change_columns()}",
        {**columns, "job_id": job_id},
    )
    send_on_commit([state_change(row, JobState.PENDING) for row in found])
    return bool(found)
