"""ACTIVE → the end of an attempt: fenced by id, epoch and token."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from kombu.utils.json import dumps

from offload.conf import settings
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.db import database
from offload.db.statements import Statement, assignments, change, named, once_per_dialect
from offload.models import Job
from offload.signals import is_heard
from offload.tracking import selectors
from offload.tracking.assignments import RELEASED, SAME_CALL, next_attempt
from offload.tracking.requeue import return_to_pending
from offload.tracking.selectors import ATTEMPT, CURRENT_ATTEMPT, params_of
from offload.tracking.state_changes import change_columns, send_on_commit, state_change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.attempt_key import AttemptKey
    from offload.core.outcomes import ErrorInfo
    from offload.core.progress import Progress
    from offload.core.retries import RetryDecision
    from offload.tracking.assignments import NewCall

JOB = Job._meta.db_table


class FinishOutcome(enum.Enum):
    """The outcome of a finish."""

    #: This call made the job final.
    NOW = enum.auto()
    #: An earlier call of the same attempt made it final, but its reply was lost.
    BEFORE = enum.auto()
    #: The attempt is stale; nothing was written.
    STALE = enum.auto()


def succeed(
    key: AttemptKey, value: object, *, aftermath: bool, then: Statement | None = None
) -> FinishOutcome:
    """Make the job SUCCEEDED with this value.

    ``aftermath`` marks that Celery's result must still be written; ``then`` writes it with the end.
    Only a value that ``then`` writes is dropped from the row if it is too large for it (K3).
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

    ``for_the_dead`` ends an attempt whose process is gone: its token is removed too, and the
    aftermath deals with the successors.
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
    heard = is_heard(state)
    ending = Statement(
        _ending(tuple(columns), for_the_dead=for_the_dead, heard=heard),
        named(params_of(key), {"state": state, "aftermath": aftermath}, columns),
    )
    found = change(ending, then)
    if not found:
        return FinishOutcome.BEFORE if _is_in(key, state) else FinishOutcome.STALE
    if heard:
        send_on_commit([state_change(found[0], JobState.ACTIVE, cause, columns.get("error_type"))])
    return FinishOutcome.NOW


@once_per_dialect
def _ending(columns: tuple[str, ...], *, for_the_dead: bool, heard: bool) -> str:
    """Return the SQL of an end that sets these columns besides."""
    hanging = "token = 'lost'" if for_the_dead else "has_tail = false, tail = NULL"  # R9
    return (
        f"UPDATE {JOB} SET state = %(state)s, finished_at = {database.now()}, "
        f"aftermath_due = %(aftermath)s, {hanging}, {assignments(columns)} "
        f"WHERE {CURRENT_ATTEMPT} RETURNING {change_columns() if heard else 'id'}"
    )


def _is_in(key: AttemptKey, state: JobState) -> bool:
    """Return whether this finish was committed already and only its reply was lost (R5)."""
    return bool(
        database.rows(
            f"SELECT 1 FROM {JOB} WHERE {ATTEMPT} AND state = %(state)s",
            {**params_of(key), "state": state},
        )
    )


def succeeded_before(key: AttemptKey) -> bool:
    """Return whether the attempt ended so already and only the reply was lost."""
    return _is_in(key, JobState.SUCCEEDED)


def stopped_before(key: AttemptKey) -> JobState | None:
    """Return STOPPED if the attempt ended so already and only the reply was lost."""
    return JobState.STOPPED if _is_in(key, JobState.STOPPED) else None


def requeue(
    key: AttemptKey,
    decision: RetryDecision,
    error: ErrorInfo | None,
    *,
    cause: Cause,
    call: NewCall = SAME_CALL,
    for_the_dead: bool = False,
) -> JobState | None:
    """End the attempt and put the job back; return its state, or None for a stale attempt.

    A job that was asked to stop becomes STOPPED instead, and its attempt can recognise that end,
    unless it is ended ``for_the_dead``.
    """
    found = return_to_pending(
        selectors.attempt(key),
        cause=cause,
        error=error.message if error else "",
        error_type=f"{error.module}.{error.type}" if error else "",
        also=next_attempt(decision, call),
        own=not for_the_dead,
    )
    if not found:
        return None if for_the_dead else stopped_before(key)
    return JobState(found[0].new)


def stop(key: AttemptKey) -> JobState | None:
    """End the attempt as STOPPED; return None if no stop was requested, or for a stale attempt."""
    asked = selectors.attempt(key).where("stop_requested")
    found = return_to_pending(asked, cause=Cause.STOPPED, also=RELEASED, own=True)
    return JobState(found[0].new) if found else stopped_before(key)


def report(key: AttemptKey, progress: Progress) -> bool:
    """Write the progress of a running attempt; return whether the attempt is current."""
    return bool(
        database.execute(
            f"UPDATE {JOB} SET progress = %(progress)s WHERE {CURRENT_ATTEMPT}",
            {**params_of(key), "progress": dumps(progress.as_dict())},
        )
    )
