"""Handed-over attempts: ACTIVE without an instance, ended from outside by their token.

The token stays in the row after such an end, so that the run that handed it over can see it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kombu.utils.json import dumps

from offload.core.retries import Cause
from offload.core.states import JobState
from offload.db import database
from offload.db.statements import assignments, named
from offload.models import Attempt, Job
from offload.models.indexes import HANDED_OVER
from offload.tracking.selectors import ATTEMPT, CURRENT_ATTEMPT, params_of
from offload.tracking.state_changes import change_columns, send_on_commit, state_change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.attempt_key import AttemptKey
    from offload.core.envelopes import Key
    from offload.core.outcomes import ErrorInfo
    from offload.core.retries import RetryDecision

JOB = Job._meta.db_table
ATTEMPT_TABLE = Attempt._meta.db_table


def hand_over(key: AttemptKey, timeout: float) -> JobState | None:
    """Detach a running attempt from its instance for some seconds (E6); return the job's state.

    A job that was asked to stop meanwhile is STOPPED. Return None for a stale attempt.
    """
    found = database.rows(
        f"UPDATE {JOB} SET instance = '', incarnation = '', "
        f"handed_until = {database.later('%(timeout)s')}, "
        f"state = CASE WHEN stop_requested THEN '{JobState.STOPPED}' ELSE state END, "
        f"finished_at = CASE WHEN stop_requested THEN {database.now()} END, "
        f"aftermath_due = stop_requested WHERE {CURRENT_ATTEMPT} RETURNING {change_columns()}",
        {**params_of(key), "timeout": timeout},
    )
    if not found:
        return None
    state = JobState(found[0][1])
    if state.is_final:
        send_on_commit([state_change(found[0], JobState.ACTIVE)])
    return state


def was_ended(key: AttemptKey) -> bool:
    """Return whether the attempt was ended by its token, or by a stop."""
    return bool(
        database.rows(
            f"SELECT 1 FROM {JOB} WHERE {ATTEMPT} UNION ALL SELECT 1 FROM {ATTEMPT_TABLE} "
            "WHERE job_id = %(job_id)s AND epoch = %(epoch)s AND cause = %(cause)s",
            {**params_of(key), "cause": Cause.FAILED},
        )
    )


def ended_by(key: AttemptKey) -> Job | None:
    """Return the job if this attempt has ended it by its token."""
    return Job.objects.of(key).ended().first()


def succeed(key: AttemptKey, value: object) -> bool:
    """Make the job SUCCEEDED with this value, handed over already or not; return whether it did.

    The aftermath does the rest: successors, and a value too large for the row.
    """
    return _end(key, JobState.SUCCEEDED, {"result": dumps(value)})


def fail(key: AttemptKey, decision: RetryDecision, error: ErrorInfo) -> bool:
    """Make the job final as decided, with its error; return whether it did."""
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
        f"RETURNING {change_columns()}",
        named(params_of(key), {"state": state}, columns),
    )
    error_type = columns.get("error_type")
    send_on_commit([state_change(row, JobState.ACTIVE, cause, error_type) for row in found])
    return bool(found)


def overdue(limit: int = 100) -> list[Key]:
    """Return the jobs and epochs of handed-over attempts whose time is over."""
    found = database.rows(
        f"SELECT id, epoch FROM {JOB} WHERE {HANDED_OVER} AND handed_until <= {database.now()} "
        f"ORDER BY handed_until LIMIT {limit}"
    )
    return [(row[0], row[1]) for row in found]
