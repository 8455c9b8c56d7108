"""Rows that wait for others: replaced by a canvas and filled by its last node, or relayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kombu.utils.json import dumps

from offload.core.retries import Cause
from offload.core.states import JobState
from offload.db import database
from offload.db.statements import assignments
from offload.models import Job
from offload.tracking.changes import tell, told, told_columns
from offload.tracking.requeue import way_back
from offload.tracking.runs import stopped_before
from offload.tracking.selectors import attempt

if TYPE_CHECKING:
    from offload.core.attempt_key import AttemptKey
    from offload.tracking.drafts import Draft

JOB = Job._meta.db_table
#: Those of plain tasks too: one that replaced itself by a canvas left its id to the last node.
HOLDS = ("replaced", "dependency", "relay")
FILLABLE = f"state = 'PENDING' AND hold IN {HOLDS}"
#: A filled row keeps its place in the canvas it was submitted in: parent, root, run, payload.
FILLED_COLUMNS = (
    "kind", "topic", "task", "lane", "queue", "needs", "args", "properties", "options", "tail",
    "has_tail", "hold", "priority",
)  # fmt: skip


def replaced(key: AttemptKey) -> JobState | None:
    """End an attempt whose job was replaced: it waits to be filled by its canvas' last node.

    Return its state, STOPPED where that was requested, or None for a stale attempt.
    """
    changes = way_back(
        attempt(key),
        cause=Cause.REQUEUED,
        error="replaced by a canvas",
        also=", hold = 'replaced', run_at = NULL, expires_at = NULL",
        own=True,
    )
    return JobState(changes[0].new) if changes else stopped_before(key)


def waiting(job_id: str) -> Job | None:
    """Return the row that waits under this id to be filled, locked; None if none does."""
    rows = Job.objects.filter(pk=job_id, state=JobState.PENDING)
    return rows.filter(hold__in=HOLDS).select_for_update().first()


def fill(draft: Draft) -> bool:
    """Put a draft into the row that waits under its id; return whether one did."""
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
    """Make a row that waits SUCCEEDED, with a value that needed no run."""
    changed = database.rows(
        f"UPDATE {JOB} SET state = 'SUCCEEDED', result = %s, finished_at = {database.now()}, "
        f"aftermath_due = true WHERE id = %s AND {FILLABLE} RETURNING {told_columns()}",
        [dumps(value), job_id],
    )
    tell([told(row, "PENDING") for row in changed])
    return bool(changed)
