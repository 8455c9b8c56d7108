"""Rows of plain Celery tasks: sent once their transaction is in, closed when Celery says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from offload.db import database
from offload.models import Job, Kind
from offload.models.indexes import RELAY, UNSENT
from offload.tracking.changes import tell, told, told_columns
from offload.tracking.selectors import Selector, these

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.signals import StateChange
JOB = Job._meta.db_table
#: When somebody began to publish it, or might have.
SENT_SINCE = "COALESCE(bound_at, created_at)"


def claim(job_ids: Sequence[str]) -> list[Job]:
    """Return those of these relays that nobody began to publish (K2b); they are the caller's now.

    The claim ends by itself, so that the sweep finds what a dead claimer left behind.
    """
    if not job_ids:
        return []
    return _claimed(these(job_ids).where(f"{UNSENT} AND bound_at IS NULL"))


def claim_left_behind(older_than: float, limit: int) -> list[Job]:
    """Claim relays that nobody published for so many seconds, those tried least lately first."""
    left = _left_behind(older_than)
    some = f"SELECT id FROM {JOB} WHERE {left.condition} ORDER BY {SENT_SINCE} LIMIT {limit}"
    return _claimed(left.where(f"id IN ({some})"))


def is_any_left_behind(older_than: float) -> bool:
    """Return whether nobody published some relay for so many seconds."""
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
            f"WHERE id IN ({database.marks(job_ids)}) AND {RELAY}",
            job_ids,
        )


def mark_failed(job_id: str, error: str) -> int:
    """Note why a relay could not be published this time; return how often that was."""
    found = database.rows(
        f"UPDATE {JOB} SET error = %s, refusals = refusals + 1 "
        f"WHERE id = %s AND {RELAY} RETURNING refusals",
        [error, job_id],
    )
    return int(found[0][0]) if found else 0


def stop_unsent(older_than: float) -> list[StateChange]:
    """Make relays STOPPED that a stop met while they were claimed, and that were never sent."""
    found = database.rows(
        f"UPDATE {JOB} SET state = 'STOPPED', finished_at = {database.now()}, "
        f"aftermath_due = true WHERE {UNSENT} AND stop_requested AND bound_at < {database.later()} "
        f"RETURNING {told_columns()}",
        [-older_than],
    )
    changes = [told(row, "PENDING") for row in found]
    tell(changes)
    return changes


def to_ask(older_than: float, limit: int) -> list[str]:
    """Return published relays nobody asked about for so many seconds, and note the asking."""
    found = database.rows(
        f"UPDATE {JOB} SET bound_at = {database.now()} WHERE id IN (SELECT id FROM {JOB} "
        f"WHERE {RELAY} AND publishes > 0 AND bound_at < {database.later()} "
        f"ORDER BY bound_at LIMIT {limit}) RETURNING id",
        [-older_than],
    )
    return [row[0] for row in found]


def close(job_id: str, state: str, *, error_type: str = "", error: str = "") -> bool:
    """Make an open relay final; Celery has written its result. Return whether it was open."""
    found = database.rows(
        f"UPDATE {JOB} SET state = %s, finished_at = {database.now()}, hold = '', "
        f"error_type = %s, error = %s WHERE id = %s AND {RELAY} RETURNING {told_columns()}",
        [state, error_type[:255], error, job_id],
    )
    tell([told(row, "PENDING") for row in found])
    return bool(found)
