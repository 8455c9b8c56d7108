"""Rows of plain Celery tasks: sent once their transaction is in, closed when Celery says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.engine.tracking.changes import Change, tell
from offload.models import Job, Kind, database

if TYPE_CHECKING:
    from collections.abc import Sequence

JOB = Job._meta.db_table
OPEN = "state = 'PENDING' AND hold = 'relay'"


def unsent(job_ids: Sequence[str]) -> list[Job]:
    """Return those of these relays that were not published yet."""
    rows = Job.objects.filter(pk__in=job_ids, kind=Kind.RELAY, state="PENDING", publishes=0)
    return list(rows.order_by("created_at", "id"))


def left_behind(older_than: float, limit: int) -> list[str]:
    """Return relays that nobody published within so many seconds of their making."""
    found = database.rows(
        f"SELECT id FROM {JOB} WHERE {OPEN} AND publishes = 0 "
        f"AND created_at < {database.later()} LIMIT {limit}",
        [-older_than],
    )
    return [row[0] for row in found]


def mark_sent(job_id: str) -> bool:
    """Note that a relay was published; return whether it was open."""
    return bool(
        database.execute(
            f"UPDATE {JOB} SET publishes = 1, bound_at = {database.now()}, error = '' "
            f"WHERE id = %s AND {OPEN}",
            [job_id],
        )
    )


def mark_unsent(job_id: str, error: str) -> None:
    """Note why a relay could not be published."""
    database.execute(f"UPDATE {JOB} SET error = %s WHERE id = %s AND {OPEN}", [error, job_id])


def to_ask(older_than: float, limit: int) -> list[str]:
    """Return published relays nobody asked about for so many seconds, and note the asking."""
    found = database.rows(
        f"UPDATE {JOB} SET bound_at = {database.now()} WHERE id IN (SELECT id FROM {JOB} "
        f"WHERE {OPEN} AND publishes > 0 AND bound_at < {database.later()} "
        f"ORDER BY bound_at LIMIT {limit}) RETURNING id",
        [-older_than],
    )
    return [row[0] for row in found]


def close(job_id: str, state: str, *, error_type: str = "", error: str = "") -> bool:
    """Make an open relay final; Celery has written its result. Return whether it was open."""
    found = database.rows(
        f"UPDATE {JOB} SET state = %s, finished_at = {database.now()}, hold = '', "
        f"error_type = %s, error = %s WHERE id = %s AND {OPEN} RETURNING epoch",
        [state, error_type[:255], error, job_id],
    )
    tell([Change(job_id, "PENDING", state, row[0]) for row in found])
    return bool(found)
