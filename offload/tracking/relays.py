"""Rows of plain Celery tasks: sent once their transaction is in, closed when Celery says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from offload.db import database
from offload.models import Job, Kind
from offload.tracking.changes import Change, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

JOB = Job._meta.db_table
OPEN = "state = 'PENDING' AND hold = 'relay'"
UNSENT = f"{OPEN} AND publishes = 0"
#: When somebody began to publish it, or might have.
SINCE = "COALESCE(bound_at, created_at)"


def claim(job_ids: Sequence[str]) -> list[Job]:
    """Return those of these relays that nobody began to publish; they are the caller's now.

    The claim ends by itself, so that the sweep finds what a dead claimer left behind.
    """
    if not job_ids:
        return []
    where = f"id IN ({database.marks(job_ids)}) AND {UNSENT} AND bound_at IS NULL"
    return _claimed(where, list(job_ids))


def claim_left_behind(older_than: float, limit: int) -> list[Job]:
    """Claim relays that nobody published for so many seconds, those tried least lately first."""
    left = f"{UNSENT} AND {SINCE} < {database.later()}"
    some = f"SELECT id FROM {JOB} WHERE {left} ORDER BY {SINCE} LIMIT {limit}"
    return _claimed(f"id IN ({some}) AND {left}", [-older_than, -older_than])


def is_any_left_behind(older_than: float) -> bool:
    """Return whether nobody published some relay for so many seconds."""
    left = f"{UNSENT} AND {SINCE} < {database.later()}"
    return bool(database.rows(f"SELECT 1 FROM {JOB} WHERE {left} LIMIT 1", [-older_than]))


def _claimed(where: str, params: list[object]) -> list[Job]:
    found = database.rows(
        f"UPDATE {JOB} SET bound_at = {database.now()} WHERE {where} AND NOT stop_requested "
        "RETURNING id",
        params,
    )
    return list(Job.objects.ids(row[0] for row in found).order_by("created_at", "id"))


def release(job_ids: Sequence[str]) -> None:
    """Give claimed relays up that the claimer did not begin to publish."""
    if job_ids:
        database.execute(
            f"UPDATE {JOB} SET bound_at = NULL "
            f"WHERE id IN ({database.marks(job_ids)}) AND {UNSENT}",
            job_ids,
        )


def sent(job_ids: Sequence[str]) -> list[str]:
    """Return those of these ids that are open relays somebody began to publish."""
    rows = Job.objects.ids(job_ids).filter(kind=Kind.RELAY, state="PENDING", hold="relay")
    begun = rows.filter(Q(publishes__gt=0) | Q(bound_at__isnull=False))
    return list(begun.values_list("pk", flat=True))


def mark_sent(job_ids: Sequence[str]) -> None:
    """Note that relays were published."""
    if job_ids:
        database.execute(
            f"UPDATE {JOB} SET publishes = 1, bound_at = {database.now()}, error = '' "
            f"WHERE id IN ({database.marks(job_ids)}) AND {OPEN}",
            job_ids,
        )


def mark_failed(job_id: str, error: str) -> int:
    """Note why a relay could not be published this time; return how often that was."""
    found = database.rows(
        f"UPDATE {JOB} SET error = %s, refusals = refusals + 1 "
        f"WHERE id = %s AND {OPEN} RETURNING refusals",
        [error, job_id],
    )
    return int(found[0][0]) if found else 0


def stop_unsent(older_than: float) -> list[Change]:
    """Make relays STOPPED that a stop met while they were claimed, and that were never sent."""
    found = database.rows(
        f"UPDATE {JOB} SET state = 'STOPPED', finished_at = {database.now()}, "
        f"aftermath_due = true WHERE {UNSENT} AND stop_requested AND bound_at < {database.later()} "
        "RETURNING id, epoch",
        [-older_than],
    )
    changes = [Change(job_id, "PENDING", "STOPPED", epoch) for job_id, epoch in found]
    tell(changes)
    return changes


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
