"""The end of an attempt: one transaction makes the job final, or PENDING again.

It stores the result where Celery's backend is in the same database, and what follows the job.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kombu.utils.json import dumps

from offload.core.outcomes import (
    ErrorInfo,
    Failed,
    HandedOver,
    Ignored,
    Outcome,
    Rejected,
    Replaced,
    Requeued,
    Stopped,
    Succeeded,
)
from offload.core.retries import UNLIMITED_RETRIES, Cause, RetryDecision, RetryPolicy, least_pause
from offload.core.states import JobState
from offload.core.validation.bounds import PRIORITY
from offload.fleet.snapshots import snapshot
from offload.jobs import endings
from offload.jobs.decisions import decided, rejections
from offload.jobs.endings import Ending
from offload.jobs.losses import as_celery
from offload.queues import own_retries
from offload.worker.connections import insist

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.attempt_key import AttemptKey
    from offload.jobs.claims import MessageFacts
    from offload.worker.tasks.current import CurrentJob
    from offload.worker.tasks.task import OffloadTask

#: Seconds before a job that was rejected is offered again, at least.
REJECT_DELAY_SECONDS = 1.0
REJECTED_ERROR = ErrorInfo(
    type="Reject", message="the consumer rejected the job", module="celery.exceptions", traceback=""
)
RETRIES_EXHAUSTED_ERROR = ErrorInfo(
    type="MaxRetriesExceededError", message="", module="celery.exceptions", traceback=""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How an attempt ended; without a state where a newer one had taken its place."""

    key: AttemptKey
    state: JobState | None
    value: Any = None
    delay: float = 0.0


def finish(task: OffloadTask, job: CurrentJob, facts: MessageFacts, outcome: Outcome) -> Finished:
    """Write the end of an attempt, however long the database is away (R5).

    Its key decides then: an instance that was not declared gone meanwhile keeps its runs.
    """
    ending = Ending(key=job.attempt_key, claimed=job.claimed, facts=facts)
    return insist(
        lambda: _finish(task, job, ending, outcome),
        what=f"writing the end of job {job.id}",
        leased=False,
    )


def _finish(task: OffloadTask, job: CurrentJob, ending: Ending, outcome: Outcome) -> Finished:
    key = job.attempt_key
    match outcome:
        case Succeeded(value):
            state = endings.succeed(ending, value)
            return Finished(key=key, state=state, value=value)
        case Ignored():
            return Finished(key=key, state=endings.succeed(ending, None, silent=True))
        case HandedOver(timeout=timeout):
            return Finished(key=key, state=endings.hand_over(ending, timeout))
        case Replaced(signature):
            return Finished(key=key, state=endings.replace(ending, signature))
        case Stopped(error=error):
            state = endings.stop(ending)
            if state is not None:
                return Finished(key=key, state=state)
            # Nobody asked for it.
            outcome = Failed(cause=Cause.FAILED, error=error)
        case Requeued():
            return _requeue(task, job, ending, outcome)
        case Rejected(requeue=True):
            return _reject(task, job, ending)
        case Rejected():
            outcome = Failed(cause=Cause.FAILED, error=REJECTED_ERROR, final=True)
    return _fail(task, job, ending, outcome)


def _fail(task: OffloadTask, job: CurrentJob, ending: Ending, outcome: Any) -> Finished:
    decision = decided(_policy(task, job), job.claimed, outcome.cause, final=outcome.final)
    if decision.state is JobState.PENDING:
        return _back(ending, decision, outcome.error, outcome.cause)
    state = endings.fail(ending, decision, outcome.error)
    return Finished(key=job.attempt_key, state=state)


def _policy(task: OffloadTask, job: CurrentJob) -> RetryPolicy:
    """Return how the job is retried: as its queue says, or as Celery does, not by itself."""
    by_queue = task.retried_by_queue
    usual = snapshot().policy(job.claimed.queue).retry if by_queue else as_celery()
    return own_retries.of(usual, job.claimed.options)


def _requeue(task: OffloadTask, job: CurrentJob, ending: Ending, outcome: Requeued) -> Finished:
    """Put the job back as its task asked, which Celery bounds if it was by ``self.retry`` (R6)."""
    claimed = job.claimed
    is_counted = outcome.retries > claimed.failures
    failures = outcome.retries if is_counted else claimed.failures + 1
    limit = UNLIMITED_RETRIES if is_counted else _limit(task, job)
    if failures > limit != UNLIMITED_RETRIES:
        return _exhaust(job, ending, failures, outcome.error)
    decision = RetryDecision(
        state=JobState.PENDING,
        delay=max(outcome.delay, least_pause(failures)),
        failures=failures,
        crashes=claimed.crashes,
        reason="the task asked to be retried",
    )
    changes = _changes(claimed.options, outcome)
    return _back(ending, decision, outcome.error, Cause.REQUEUED, changes, outcome.expires_in)


def _limit(task: OffloadTask, job: CurrentJob) -> int:
    """Return how often a task may ask to be retried otherwise than by ``self.retry``."""
    if task.retried_by_queue:
        return _policy(task, job).retries
    return UNLIMITED_RETRIES if task.max_retries is None else task.max_retries


def _exhaust(job: CurrentJob, ending: Ending, failures: int, error: ErrorInfo | None) -> Finished:
    told = f"it asked to be retried {failures} times"
    decision = RetryDecision(
        state=JobState.GIVEN_UP, delay=0.0, failures=failures, crashes=job.claimed.crashes,
        reason=told, cause=Cause.REQUEUED,
    )  # fmt: skip
    state = endings.fail(ending, decision, error or replace(RETRIES_EXHAUSTED_ERROR, message=told))
    return Finished(key=job.attempt_key, state=state)


def _changes(before: Mapping[str, object], outcome: Requeued) -> dict[str, object]:
    """Return the columns that a retry says anew."""
    changes: dict[str, object] = {}
    if outcome.args is not None:
        changes["args"] = dumps(list(outcome.args))
    if outcome.properties is not None:
        changes["properties"] = dumps(outcome.properties)
    options: dict[str, Any] = {**before, **outcome.options}
    if options != before:
        changes["options"] = dumps(options)
        changes["priority"] = PRIORITY.nearest_whole(options.get("priority") or 0)
    return changes


def _reject(task: OffloadTask, job: CurrentJob, ending: Ending) -> Finished:
    """Put the job back that its task would not have now, as often as the queue retries one."""
    retry = snapshot().policy(job.claimed.queue).retry
    times = rejections(job.id) + 1
    if times > retry.retries != UNLIMITED_RETRIES:
        error = replace(REJECTED_ERROR, message=f"{REJECTED_ERROR.message} {times} times")
        return _fail(task, job, ending, Failed(cause=Cause.FAILED, error=error, final=True))
    decision = RetryDecision(
        state=JobState.PENDING,
        delay=max(retry.wait(times), REJECT_DELAY_SECONDS),
        failures=job.claimed.failures,
        crashes=job.claimed.crashes,
        reason="put back by its consumer",
    )
    return _back(ending, decision, None, Cause.REJECTED)


def _back(
    ending: Ending,
    decision: RetryDecision,
    error: ErrorInfo | None,
    cause: Cause,
    changes: dict[str, object] | None = None,
    expires_in: float | None = None,
) -> Finished:
    state = endings.requeue(
        ending, decision, error, cause=cause, changes=changes or {}, expires_in=expires_in
    )
    return Finished(key=ending.key, state=state, delay=decision.delay)
