"""Clones: the rows of jobs that another cluster owns, and the bindings that are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.db import database
from offload.models import ClosedBinding, Job
from offload.models.indexes import PENDING
from offload.tracking.drafts import insert

if TYPE_CHECKING:
    from offload.tracking.drafts import Draft

JOB, CLOSED = Job._meta.db_table, ClosedBinding._meta.db_table


def store(draft: Draft, *, home: str, epoch: int) -> bool:
    """Store a clone; return whether its id was free."""
    if not insert([draft]):
        return False
    database.execute(
        f"UPDATE {JOB} SET home = %(home)s, home_epoch = %(epoch)s WHERE id = %(job_id)s",
        {"home": home, "epoch": epoch, "job_id": draft.id},
    )
    return True


def adopt(run_id: str, *, home: str, epoch: int) -> None:
    """Let the new jobs of a run that a home has sent whole begin for it, as its clones do (P15)."""
    database.execute(
        f"UPDATE {JOB} SET home = %(home)s, home_epoch = %(epoch)s "
        "WHERE run_id = %(run)s AND home IS NULL",
        {"home": home, "epoch": epoch, "run": run_id},
    )


def release(job_id: str, *, home: str, epoch: int, payload_id: str) -> bool:
    """Let a clone whose files are here be bound (P11); return whether it waited for them."""
    return bool(
        database.execute(
            f"UPDATE {JOB} SET hold = '', payload_id = %(payload_id)s WHERE id = %(job_id)s "
            f"AND home = %(home)s AND home_epoch = %(epoch)s AND {PENDING} AND hold = 'payload'",
            {"job_id": job_id, "home": home, "epoch": epoch, "payload_id": payload_id},
        )
    )


def close(job_id: str, home: str, epoch: int) -> None:
    """Close a binding and all older ones: no envelope of them makes a clone any more (P5)."""
    database.execute(
        f"INSERT INTO {CLOSED} (job_id, home, epoch) VALUES (%(job_id)s, %(home)s, %(epoch)s) "
        "ON CONFLICT (home, job_id) DO UPDATE SET since = excluded.since, "
        f"epoch = CASE WHEN excluded.epoch > {CLOSED}.epoch THEN excluded.epoch "
        f"ELSE {CLOSED}.epoch END",
        {"job_id": job_id, "home": home, "epoch": epoch},
    )


def closed_up_to(job_id: str, home: str) -> int:
    """Return the highest epoch of a job that is closed here, or 0."""
    found = ClosedBinding.objects.filter(job_id=job_id, home=home)
    return found.values_list("epoch", flat=True).first() or 0


def forget_closed(seconds: float, limit: int) -> int:
    """Delete what was closed that many seconds ago (P5); return how many."""
    old = f"since <= {database.later('%(age)s')}"
    return database.execute(
        f"DELETE FROM {CLOSED} WHERE id IN (SELECT id FROM {CLOSED} WHERE {old} LIMIT {limit})",
        {"age": -seconds},
    )
