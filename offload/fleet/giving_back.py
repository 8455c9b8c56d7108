"""Attempts that end without a final state: their jobs wait again, and their results say RETRY.

Only jobs that were put back are marked. A job that became final on the way is due, for the caller
or the sweep to conclude. A stale attempt changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.retries import RESCUED_CAUSES
from offload.core.states import JobState
from offload.db import database
from offload.fleet.snapshots import now
from offload.results.task_results import mark_retry
from offload.tracking import finishing, lane_changes, requeue
from offload.tracking.assignments import SAME_CALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.attempt_key import AttemptKey
    from offload.core.outcomes import ErrorInfo
    from offload.core.retries import Cause, RetryDecision
    from offload.signals import StateChange
    from offload.tracking.assignments import NewCall
    from offload.tracking.selectors import Selector


def give_back(
    jobs: Selector,
    *,
    cause: Cause,
    error: str = "",
    crash: bool = False,
    call: NewCall = SAME_CALL,
) -> list[StateChange]:
    """Put the bound jobs among these back; return the changes.

    ``crash`` counts running ones as crashed, up to the limit. ``call`` is that of the next attempt.
    """
    with database.atomic():
        changes = requeue.return_to_pending(
            jobs, cause=cause, error=error, crash=crash, also=call.assigned()
        )
        if cause in RESCUED_CAUSES:  # E4b
            _rescue(changes)
        mark_retry([one.job_id for one in changes if one.new == JobState.PENDING])
    return changes


def _rescue(changes: Sequence[StateChange]) -> None:
    """Keep jobs whose runs were lost to where their queues or consumers want them."""
    begun, waits = JobState.ACTIVE, JobState.PENDING
    lost = {
        one.job_id: one.instance
        for one in changes
        if one.instance and (one.old, one.new) == (begun, waits)
    }
    if lost:
        lane_changes.rescue(lost, now())


def give_back_attempt(
    key: AttemptKey,
    decision: RetryDecision,
    error: ErrorInfo,
    *,
    cause: Cause,
    call: NewCall = SAME_CALL,
) -> JobState | None:
    """End an attempt for its run and put the job back, as decided, for a call of its own.

    Return the job's state, STOPPED if that was requested, or None for a stale attempt.
    """
    with database.atomic():
        state = finishing.requeue(key, decision, error, cause=cause, call=call, for_the_dead=True)
        mark_retry([key.job_id] if state is JobState.PENDING else [])
    return state
