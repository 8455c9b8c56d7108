"""Rows that wait for others: replaced by a canvas and filled by its last node, or relayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kombu.utils.json import dumps

from offload.core.retries import Cause
from offload.core.states import JobState
from offload.db import database
from offload.db.statements import assignments
from offload.models import Job
from offload.models.indexes import FILLABLE
from offload.tracking.assignments import REPLACED
from offload.tracking.finishing import stopped_before
from offload.tracking.requeue import return_to_pending
from offload.tracking.selectors import attempt
from offload.tracking.state_changes import change_columns, send_on_commit, state_change

if TYPE_CHECKING:
    from offload.core.attempt_key import AttemptKey
    from offload.tracking.drafts import Draft

JOB = Job._meta.db_table
#: A filled row keeps its place in its canvas: parent, root, run, payload.
FILLED_COLUMNS = (
    "kind", "topic", "task", "lane", "queue", "needs", "args", "properties", "options", "tail",
    "has_tail", "hold", "priority",
)  # fmt: skip


def replaced(key: AttemptKey) -> JobState | None:
    """End an attempt whose job was replaced; the job waits for its canvas' last node to fill it.

    Return its state, STOPPED if that was requested, or None for a stale attempt.
    """
    changes = return_to_pending(
        attempt(key),
        cause=Cause.REPLACED,
        error="replaced by a canvas",
        also=REPLACED,
        own=True,
    )
    return JobState(changes[0].new) if changes else stopped_before(key)


def waiting(job_id: str) -> Job | None:
    """Return the row that waits under this id to be filled, locked, or None."""
    return Job.objects.filter(FILLABLE.q, pk=job_id).select_for_update().first()


def fill(draft: Draft) -> bool:
    """Put a draft into the row that waits under its id; return whether there was one."""
    facts = draft.facts()
    columns = {name: facts[name] for name in FILLED_COLUMNS}
    return bool(
        database.execute(
            f"UPDATE {JOB} SET {assignments(columns)}, publishes = 0, bound_at = NULL, "
            f"run_at = {database.later('CAST(%(delay)s AS double precision)')} "
            f"WHERE id = %(id)s AND {FILLABLE}",
            {**columns, "delay": draft.delay, "id": draft.id},
        )
    )


def succeed(job_id: str, value: object) -> bool:
    """Make a waiting row SUCCEEDED, with a value that needed no run."""
    changed = database.rows(
        f"UPDATE {JOB} SET state = '{JobState.SUCCEEDED}', result = %(result)s, "
        f"finished_at = {database.now()}, aftermath_due = true "
        f"WHERE id = %(job_id)s AND {FILLABLE} RETURNING {change_columns()}",
        {"result": dumps(value), "job_id": job_id},
    )
    send_on_commit([state_change(row, JobState.PENDING) for row in changed])
    return bool(changed)
