"""ACTIVE → the end of an attempt: fenced by id, epoch and token."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from kombu.utils.json import dumps

from offload.conf import settings
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.db import database
from offload.db.statements import Statement, assignments, change, named
from offload.models import Job
from offload.signals import is_heard
from offload.tracking import selectors
from offload.tracking.changes import tell, told, told_columns
from offload.tracking.requeue import way_back
from offload.tracking.selectors import ATTEMPT, CURRENT_ATTEMPT, params_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.attempt_key import AttemptKey
    from offload.core.outcomes import ErrorInfo
    from offload.core.retries import RetryDecision

JOB = Job._meta.db_table


class FinishOutcome(enum.Enum):
    """The outcome of a finish."""

    #: This call made the job final.
    NOW = enum.auto()
    #: An earlier call of the same attempt did, and its reply was lost.
    BEFORE = enum.auto()
    #: The attempt was overtaken; nothing was written.
    STALE = enum.auto()


def succeed(
    key: AttemptKey, value: object, *, aftermath: bool, then: Statement | None = None
) -> FinishOutcome:
    """Make the job SUCCEEDED with this value.

    ``aftermath`` marks that Celery's result is still to be written; ``then`` writes it with the
    end. Only what that writes is dropped from the row, where it is too large for it (K3).
    """
    text = dumps(value)
    kept = None if then is not None and len(text) > settings().max_result else text
    return _end(key, JobState.SUCCEEDED, {"result": kept}, aftermath=aftermath, then=then)


def fail(
    key: AttemptKey,
    decision: RetryDecision,
    error: ErrorInfo,
    *,
    aftermath: bool,
    then: Statement | None = None,
    for_the_dead: bool = False,
) -> FinishOutcome:
    """Make the job final as decided, with its error; ``then`` takes effect with the end.

    ``for_the_dead`` ends an attempt whose process is gone: its token goes too, and what follows
    the job is left to the aftermath.
    """
    return _end(
        key,
        decision.state,
        {
            "failures": decision.failures,
            "crashes": decision.crashes,
            "error_type": f"{error.module}.{error.type}"[:255],
            "error": error.message,
            "traceback": error.traceback,
        },
        aftermath=aftermath,
        cause=decision.cause,
        then=then,
        for_the_dead=for_the_dead,
    )


def _end(
    key: AttemptKey,
    state: JobState,
    columns: Mapping[str, object],
    *,
    aftermath: bool,
    cause: Cause | None = None,
    then: Statement | None = None,
    for_the_dead: bool = False,
) -> FinishOutcome:
    hanging = "token = 'lost'" if for_the_dead else "has_tail = false, tail = NULL"  # R9
    heard = is_heard(state)
    ending = Statement(
        f"UPDATE {JOB} SET state = %(state)s, finished_at = {database.now()}, "
        f"aftermath_due = %(aftermath)s, {hanging}, {assignments(columns)} "
        f"WHERE {CURRENT_ATTEMPT} RETURNING {told_columns() if heard else 'id'}",
        named(params_of(key), {"state": state, "aftermath": aftermath}, columns),
    )
    found = change(ending, then)
    if not found:
        return FinishOutcome.BEFORE if _is_in(key, state) else FinishOutcome.STALE
    if heard:
        tell([told(found[0], "ACTIVE", cause)])
    return FinishOutcome.NOW


def _is_in(key: AttemptKey, state: JobState) -> bool:
    """Return whether this finish was committed before, and only its reply was lost (R5)."""
    return bool(
        database.rows(
            f"SELECT 1 FROM {JOB} WHERE {ATTEMPT} AND state = %(state)s",
            {**params_of(key), "state": state},
        )
    )


def stopped_before(key: AttemptKey) -> JobState | None:
    """Return STOPPED where the attempt made it that before, and only the reply was lost."""
    return JobState.STOPPED if _is_in(key, JobState.STOPPED) else None


def requeue(
    key: AttemptKey,
    decision: RetryDecision,
    error: ErrorInfo | None,
    *,
    cause: Cause,
    changes: Mapping[str, object],
    expires_in: float | None = None,
    for_the_dead: bool = False,
) -> JobState | None:
    """End the attempt and put the job back; return its state, or None for a stale attempt.

    ``changes`` are further columns, such as the arguments a retry asked for; ``expires_in`` are
    the seconds in which it is to begin, where that is new. A job whose stop was requested becomes
    STOPPED instead, and its attempt, unless it is ended ``for_the_dead``, knows that end again.
    """
    columns = {"failures": decision.failures, "crashes": decision.crashes, **changes}
    also = f", hold = '', run_at = {_due(decision.delay)}, {assignments(columns)}"
    if expires_in is not None:
        also += f", expires_at = {database.later(str(float(expires_in)))}"
    found = way_back(
        selectors.attempt(key),
        cause=cause,
        error=error.message if error else "",
        also=also,
        values=columns,
        own=not for_the_dead,
    )
    if not found:
        return None if for_the_dead else stopped_before(key)
    return JobState(found[0].new)


def stop(key: AttemptKey) -> JobState | None:
    """End the attempt as STOPPED; return None where no stop was requested, or for a stale one."""
    asked = selectors.attempt(key).where("stop_requested")
    found = way_back(asked, cause=Cause.STOPPED, also=", hold = ''", own=True)
    return JobState(found[0].new) if found else stopped_before(key)


def _due(delay: float) -> str:
    return database.later(str(float(delay))) if delay > 0 else "NULL"


def write(key: AttemptKey, column: str, value: object) -> bool:
    """Set a column of a running attempt's job; return whether the attempt is current."""
    return bool(
        database.execute(
            f"UPDATE {JOB} SET {column} = %(value)s WHERE {CURRENT_ATTEMPT}",
            {**params_of(key), "value": value},
        )
    )
