"""Attempts that are handed over: ACTIVE without an instance, ended from outside by their token.

The token stays in the row after such an end, so that the run that handed it over knows of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kombu.utils.json import dumps

from offload.core.retries import Cause
from offload.core.states import FINAL, JobState
from offload.db import database
from offload.db.statements import assignments, named
from offload.models import Attempt, Job
from offload.models.indexes import HANDED_OVER
from offload.tracking.changes import tell, told, told_columns
from offload.tracking.selectors import ATTEMPT as THIS
from offload.tracking.selectors import CURRENT_ATTEMPT, params_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.attempt_key import AttemptKey
    from offload.core.envelopes import Key
    from offload.core.outcomes import ErrorInfo
    from offload.core.retries import RetryDecision

JOB = Job._meta.db_table
ATTEMPT = Attempt._meta.db_table


def hand_over(key: AttemptKey, timeout: float) -> JobState | None:
    """Take a running attempt from its instance for so many seconds (E6); return the job's state.

    A job that was asked to stop meanwhile is STOPPED. Return None where the attempt is not, or
    no longer, the one that runs.
    """
    found = database.rows(
        f"UPDATE {JOB} SET instance = '', incarnation = '', "
        f"handed_until = {database.later('%(timeout)s')}, "
        "state = CASE WHEN stop_requested THEN 'STOPPED' ELSE state END, "
        f"finished_at = CASE WHEN stop_requested THEN {database.now()} END, "
        f"aftermath_due = stop_requested WHERE {CURRENT_ATTEMPT} RETURNING {told_columns()}",
        {**params_of(key), "timeout": timeout},
    )
    if not found:
        return None
    state = JobState(found[0][1])
    if state.is_final:
        tell([told(found[0], "ACTIVE")])
    return state


def was_ended(key: AttemptKey) -> bool:
    """Return whether an attempt that runs no more was ended by its token, or by a stop."""
    return bool(
        database.rows(
            f"SELECT 1 FROM {JOB} WHERE {THIS} UNION ALL SELECT 1 FROM {ATTEMPT} "
            "WHERE job_id = %(job_id)s AND epoch = %(epoch)s AND cause = %(cause)s",
            {**params_of(key), "cause": Cause.FAILED},
        )
    )


def ended_by(key: AttemptKey) -> Job | None:
    """Return the job, where it is this attempt that has ended it by its token."""
    return Job.objects.of(key).filter(state__in=FINAL).first()


def succeed(key: AttemptKey, value: object) -> bool:
    """Make the job SUCCEEDED with this value, handed over already or not; return whether it was.

    What follows it is left to the aftermath, as is a value too large for the row.
    """
    return _end(key, JobState.SUCCEEDED, {"result": dumps(value)})


def fail(key: AttemptKey, decision: RetryDecision, error: ErrorInfo) -> bool:
    """Make the job final as decided, with its error; return whether it was."""
    return _end(
        key,
        decision.state,
        {
            "failures": decision.failures,
            "crashes": decision.crashes,
            "error_type": f"{error.module}.{error.type}",
            "error": error.message,
        },
        decision.cause,
    )


def _end(
    key: AttemptKey, state: JobState, columns: Mapping[str, object], cause: Cause | None = None
) -> bool:
    found = database.rows(
        f"UPDATE {JOB} SET state = %(state)s, finished_at = {database.now()}, "
        f"aftermath_due = true, {assignments(columns)} WHERE {CURRENT_ATTEMPT} "
        f"RETURNING {told_columns()}",
        named(params_of(key), {"state": state}, columns),
    )
    tell([told(row, "ACTIVE", cause) for row in found])
    return bool(found)


def overdue(limit: int = 100) -> list[Key]:
    """Return the jobs and epochs that were handed over for longer than their time."""
    found = database.rows(
        f"SELECT id, epoch FROM {JOB} WHERE {HANDED_OVER} AND handed_until <= {database.now()} "
        f"ORDER BY handed_until LIMIT {limit}"
    )
    return [(row[0], row[1]) for row in found]
