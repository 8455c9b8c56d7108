"""Jobs that are bound to a peer, as home's rows say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.states import JobState
from offload.db import database
from offload.models import Job
from offload.models.indexes import BOUND, QUEUED
from offload.tracking.selectors import BINDING, IS_QUEUED, Selector, these
from offload.tracking.state_changes import change_columns, send_on_commit, state_change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.envelopes import Key

JOB = Job._meta.db_table
#: The token of an attempt that runs at a peer: no digest of a secret is such a text.
ELSEWHERE = "elsewhere"


def at_peer(peer: str, job_ids: Sequence[str]) -> Selector:
    """Return the jobs among these that are bound to a peer."""
    jobs = these(job_ids)
    return Selector(f"{jobs.condition} AND peer = %(peer)s AND {BOUND}", jobs.given(peer=peer))


def note_sent(bound: Sequence[Key]) -> None:
    """Count that envelopes were sent; they are due again later."""
    for job_id, epoch in bound:
        database.execute(
            f"UPDATE {JOB} SET publishes = publishes + 1 WHERE {BINDING} AND {IS_QUEUED}",
            {"job_id": job_id, "epoch": epoch},
        )


def begin(binding: Key, *, instance: str, incarnation: str) -> bool:
    """Note that the peer has begun a job (P4); return whether it was QUEUED.

    A stop that was requested meanwhile does not keep it from having begun (P7).
    """
    job_id, epoch = binding
    found = database.rows(
        f"UPDATE {JOB} SET state = '{JobState.ACTIVE}', token = %(token)s, "
        f"started_at = {database.now()}, "
        "error = '', attempts = attempts + 1, instance = %(instance)s, "
        f"incarnation = %(incarnation)s WHERE {BINDING} AND {IS_QUEUED} AND peer IS NOT NULL "
        f"RETURNING {change_columns()}",
        {
            "job_id": job_id,
            "epoch": epoch,
            "token": ELSEWHERE,
            "instance": instance,
            "incarnation": incarnation,
        },
    )
    send_on_commit([state_change(row, JobState.QUEUED) for row in found])
    return bool(found)


def note_heard(job_id: str, epoch: int, number: int) -> None:
    """Remember the last report taken of a job (P3)."""
    database.execute(
        f"UPDATE {JOB} SET heard_epoch = %(epoch)s, heard_number = %(number)s "
        "WHERE id = %(job_id)s",
        {"job_id": job_id, "epoch": epoch, "number": number},
    )


def held(peer: str, limit: int, *, only_stopping: bool = False) -> list[str]:
    """Return ids of jobs that are bound to a peer; on request, of those that are to be stopped."""
    stopping = " AND stop_requested" if only_stopping else ""
    return _ids(
        f"SELECT id FROM {JOB} WHERE {BOUND} AND peer = %(peer)s{stopping} LIMIT {limit}",
        {"peer": peer},
    )


def overdue(limit: int) -> list[str]:
    """Return ids of jobs that wait at a peer although their time to begin is over."""
    return _ids(
        f"SELECT id FROM {JOB} WHERE {QUEUED} AND peer IS NOT NULL AND attempts = 0 "
        f"AND expires_at <= {database.now()} LIMIT {limit}",
        {},
    )


def _ids(sql: str, params: Any) -> list[str]:
    return [str(row[0]) for row in database.rows(sql, params)]


def topics_waiting() -> list[tuple[str, str]]:
    """Return instance and topic of what waits at peers."""
    found = database.rows(
        f"SELECT DISTINCT instance, topic FROM {JOB} WHERE {QUEUED} AND peer IS NOT NULL"
    )
    return [(row[0], row[1]) for row in found]
