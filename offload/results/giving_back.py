"""Attempts that end without their end: their jobs wait again, and their results say so.

Each marks what it put back, and nothing else: a job that became final on the way is due, which
the sweep concludes where the caller does not, and an attempt that was overtaken touches nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import JobState
from offload.db import database
from offload.results.task_results import mark_retry
from offload.tracking import requeue, runs

if TYPE_CHECKING:
    from offload.core.attempt_key import AttemptKey
    from offload.core.outcomes import ErrorInfo
    from offload.core.retries import Cause, RetryDecision
    from offload.signals import StateChange
    from offload.tracking.selectors import Selector


def give_back(
    jobs: Selector, *, cause: Cause, error: str = "", crash: bool = False
) -> list[StateChange]:
    """Put the bound ones of these jobs back; return what changed.

    ``crash`` counts what ran as crashed, up to the limit.
    """
    with database.atomic():
        changes = requeue.way_back(jobs, cause=cause, error=error, crash=crash)
        mark_retry([one.job_id for one in changes if one.new == JobState.PENDING])
    return changes


def give_back_attempt(
    key: AttemptKey, decision: RetryDecision, error: ErrorInfo, *, cause: Cause
) -> JobState | None:
    """End an attempt for its run and put the job back, as decided.

    Return the job's state, STOPPED where that was requested, or None for a stale attempt.
    """
    with database.atomic():
        state = runs.requeue(key, decision, error, cause=cause, changes={}, for_the_dead=True)
        mark_retry([key.job_id] if state is JobState.PENDING else [])
    return state
