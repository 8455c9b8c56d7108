"""The end of an attempt: one transaction makes the job final, or PENDING again.

It also stores the successors, and the result if Celery's backend is in the same database.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import UnknownResource
from offload.core.outcomes import (
    Denied,
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
from offload.core.retries import (
    FIRST_PAUSE_SECONDS,
    UNLIMITED_RETRIES,
    Cause,
    RetryDecision,
    RetryPolicy,
    least_pause,
)
from offload.core.states import JobState
from offload.core.validation.bounds import PRIORITY
from offload.fleet.snapshots import snapshot
from offload.jobs import endings
from offload.jobs.decisions import after_failure, decided, rejections
from offload.jobs.endings import Ending
from offload.jobs.losses import retry_policy, with_errors_of
from offload.queues import resources
from offload.tracking.assignments import SAME_CALL, NewCall
from offload.tracking.binding import resource_use
from offload.worker.connections import keep_trying

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.attempt_key import AttemptKey
    from offload.jobs.claims import MessageFacts
    from offload.worker.tasks.current_job import CurrentJob
    from offload.worker.tasks.task import OffloadTask

#: Least seconds before a rejected job is bound again.
REJECT_DELAY_SECONDS = 1.0
REJECTED_ERROR = ErrorInfo(
    type="Reject", message="the consumer rejected the job", module="celery.exceptions", traceback=""
)
RETRIES_EXHAUSTED_ERROR = ErrorInfo(
    type="MaxRetriesExceededError", message="", module="celery.exceptions", traceback=""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The end of an attempt; it has no state if a newer attempt had replaced it."""

    key: AttemptKey
    state: JobState | None
    value: Any = None
    delay: float = 0.0


def finish(task: OffloadTask, job: CurrentJob, facts: MessageFacts, outcome: Outcome) -> Finished:
    """Write the end of an attempt, however long the database is unreachable (R5).

    Then its key decides: an instance that was not declared gone meanwhile keeps its runs.
    """
    ending = Ending(key=job.attempt_key, claimed=job.claimed, facts=facts)
    return keep_trying(
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
        case Denied():
            return _wait_for(task, job, ending, outcome)
        case Rejected(requeue=True):
            return _reject(task, job, ending)
        case Rejected():
            outcome = Failed(cause=Cause.FAILED, error=REJECTED_ERROR, final=True)
    return _fail(task, job, ending, outcome)


def _fail(task: OffloadTask, job: CurrentJob, ending: Ending, outcome: Any) -> Finished:
    decision = decided(
        with_errors_of(task, _policy(task, job)), job.claimed, outcome.cause,
        final=outcome.final, error=outcome.error, delay=outcome.delay,
    )  # fmt: skip
    if decision.state is JobState.PENDING:
        raised = after_failure(job.id, job.claimed, task, outcome.cause, outcome.error)
        return _back(ending, decision, outcome.error, outcome.cause, raised)
    state = endings.fail(ending, decision, outcome.error)
    return Finished(key=job.attempt_key, state=state)


def _policy(task: OffloadTask, job: CurrentJob) -> RetryPolicy:
    claimed = job.claimed
    return retry_policy(claimed.queue, claimed.options, by_queue=task.retried_by_queue)


def _requeue(task: OffloadTask, job: CurrentJob, ending: Ending, outcome: Requeued) -> Finished:
    """Put the job back as its task asked; Celery itself limits ``self.retry`` (R6)."""
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
    call = _call(claimed.options, outcome)
    return _back(ending, decision, outcome.error, Cause.REQUEUED, call)


def _limit(task: OffloadTask, job: CurrentJob) -> int:
    """Return how often a task may ask for retries by other means than ``self.retry``."""
    if task.retried_by_queue:
        return _policy(task, job).retries
    return UNLIMITED_RETRIES if task.max_retries is None else task.max_retries


def _exhaust(job: CurrentJob, ending: Ending, failures: int, error: ErrorInfo | None) -> Finished:
    reason = f"it asked to be retried {failures} times"
    decision = RetryDecision(
        state=JobState.GIVEN_UP, delay=0.0, failures=failures, crashes=job.claimed.crashes,
        reason=reason, cause=Cause.REQUEUED,
    )  # fmt: skip
    state = endings.fail(
        ending, decision, error or replace(RETRIES_EXHAUSTED_ERROR, message=reason)
    )
    return Finished(key=job.attempt_key, state=state)


def _call(before: Mapping[str, object], outcome: Requeued) -> NewCall:
    """Return the call that a retry makes."""
    call = NewCall(
        args=None if outcome.args is None else list(outcome.args),
        properties=outcome.properties,
        expires_in=outcome.expires_in,
    )
    options: dict[str, Any] = {**before, **outcome.options}
    if options == before:
        return call
    priority = PRIORITY.nearest_whole(options.get("priority") or 0)
    return replace(call, options=options, priority=priority)


def _reject(task: OffloadTask, job: CurrentJob, ending: Ending) -> Finished:
    """Put back a job that its task rejected, as often as the queue retries jobs."""
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


def _wait_for(task: OffloadTask, job: CurrentJob, ending: Ending, outcome: Denied) -> Finished:
    """Put the job back until a resource may be there again; all its other users wait too.

    A job that is not known to use it waits by itself.
    """
    try:
        resources.cool(outcome.resource, outcome.retry_in, by=f"job {job.id}")
    except UnknownResource as error:
        failure = replace(
            ErrorInfo.of(UnknownResource, str(error)), traceback=outcome.error.traceback
        )
        return _fail(task, job, ending, Failed(cause=Cause.FAILED, error=failure, final=True))
    is_user = resource_use.uses(job.id, job.attempt_key.epoch, outcome.resource)
    claimed = job.claimed
    decision = RetryDecision(
        state=JobState.PENDING,
        delay=FIRST_PAUSE_SECONDS if is_user else max(outcome.retry_in, REJECT_DELAY_SECONDS),
        failures=claimed.failures,
        crashes=claimed.crashes,
        reason=f"resource {outcome.resource} was denied; it does not count",
    )
    return _back(ending, decision, outcome.error, Cause.DENIED)


def _back(
    ending: Ending,
    decision: RetryDecision,
    error: ErrorInfo | None,
    cause: Cause,
    call: NewCall = SAME_CALL,
) -> Finished:
    state = endings.requeue(ending, decision, error, cause=cause, call=call)
    return Finished(key=ending.key, state=state, delay=decision.delay)
