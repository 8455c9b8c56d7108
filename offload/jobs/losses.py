"""Attempts that did not report their end: crashed, over their limit, or unknown to their worker."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offload.conf import settings
from offload.core.attempt_key import AttemptKey
from offload.core.exceptions import CannotBegin
from offload.core.matching.escalation import Shortage
from offload.core.outcomes import ErrorInfo
from offload.core.retries import FAILURE_CAUSES, Cause, RetryDecision, RetryPolicy
from offload.core.states import JobState
from offload.core.tokens import new_secret
from offload.db import database
from offload.fleet.giving_back import give_back, give_back_attempt
from offload.fleet.snapshots import snapshot
from offload.jobs import aftermath, decisions, ran
from offload.jobs.decisions import decided
from offload.models import Job
from offload.queues import own_retries
from offload.results import task_results
from offload.tracking import async_completion, claiming, finishing, selectors
from offload.tracking.assignments import SAME_CALL
from offload.tracking.finishing import FinishOutcome
from offload.tracking.selectors import ANY_HOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.envelopes import Key
    from offload.tracking.assignments import NewCall
    from offload.tracking.claiming import Claimed
    from offload.tracking.selectors import Holder, Selector

TIME_LIMIT_ERROR = "TimeLimitExceeded"
#: Intended ends, or nobody's fault: they count neither as failure nor as crash (R10).
UNCOUNTED_CAUSES = (Cause.STOPPED_FORCED, Cause.STOPPED_ORDERLY, Cause.LEASE_EXPIRED)


def crashed(
    binding: Key, detail: str, *, holder: Holder = ANY_HOLDER, killed: bool = False
) -> None:
    """End an attempt whose process died; ``killed`` says that it was by SIGKILL.

    The kernel does that to a process that takes too much memory, and nothing here did.
    """
    attempt = selectors.process(binding, holder)
    call = decisions.after_kill(_running(binding, holder)) if killed else SAME_CALL
    _give_back(attempt, cause=Cause.CRASHED, detail=detail, crash=True, call=call)


def ended(binding: Key, *, cause: str, detail: str, holder: Holder = ANY_HOLDER) -> None:
    """End an attempt as its worker reported, even if it failed before it began (R12).

    ``holder`` is the worker's instance: it may not begin or end a job that is not bound to it.
    """
    if cause in UNCOUNTED_CAUSES:
        attempt = selectors.process(binding, holder)
        _give_back(attempt, cause=Cause(cause), detail=detail, crash=False)
        return
    job_id, epoch = binding
    key = AttemptKey.by(new_secret(), job_id=job_id, epoch=epoch)
    unstarted = claiming.claim(key, holder)
    if unstarted is not None and cause in FAILURE_CAUSES:
        _failed(key, unstarted, Cause(cause), detail)
    elif cause == Cause.TIMED_OUT:
        _timed_out(binding, detail, holder)
    else:
        killed = cause == Shortage.OUT_OF_MEMORY
        crashed(binding, detail, holder=holder, killed=killed)


def _failed(key: AttemptKey, claimed: Claimed, cause: Cause, detail: str) -> None:
    """End an attempt that did not begin: its queue decides on retries, whatever its task is."""
    retry = retry_policy(claimed.queue, claimed.options, by_queue=True)
    error = ErrorInfo.of(CannotBegin, detail, arguments=(detail,))
    # Nothing of its own has failed, so no list of errors is about it.
    end(key, decided(retry, claimed, cause), error, cause)


def end(
    key: AttemptKey,
    decision: RetryDecision,
    error: ErrorInfo,
    cause: Cause,
    *,
    by_token: bool = False,
    call: NewCall = SAME_CALL,
) -> JobState | None:
    """End an attempt in place of its run; return the job's state, or None for a stale attempt.

    ``call`` is that of the next attempt.
    ``by_token`` leaves the token in the row, so that a run that goes on can see who ended it.
    """
    if decision.state is JobState.PENDING:
        state = give_back_attempt(key, decision, error, cause=cause, call=call)
    else:
        state = decision.state if _fail(key, decision, error, by_token=by_token) else None
    if state is not None and state.is_final:
        conclude(key)
    return state


def _fail(key: AttemptKey, decision: RetryDecision, error: ErrorInfo, *, by_token: bool) -> bool:
    if by_token:
        return async_completion.fail(key, decision, error)
    written = finishing.fail(key, decision, error, aftermath=True, for_the_dead=True)
    return written is not FinishOutcome.STALE


def conclude(key: AttemptKey) -> None:
    """Run the due sinks: with the end if all of them are in this database, else after it."""
    if task_results.in_transaction():
        aftermath.conclude_all([key.job_id])
    else:
        database.on_commit(lambda: aftermath.conclude_all([key.job_id]))


def _give_back(
    attempt: Selector, *, cause: Cause, detail: str, crash: bool, call: NewCall = SAME_CALL
) -> None:
    changes = give_back(attempt, cause=cause, error=detail, crash=crash, call=call)
    aftermath.conclude_all([one.job_id for one in changes if JobState(one.new).is_final])


def _timed_out(binding: Key, detail: str, holder: Holder) -> None:
    job = _running(binding, holder)
    if job is not None:
        time_out(job, detail)


def _running(binding: Key, holder: Holder) -> Job | None:
    return Job.objects.bound_as(binding).running().filter(**holder.given()).first()


def time_out(job: Job, detail: str) -> None:
    """End a row's attempt because its time is over."""
    key = AttemptKey(job_id=job.pk, epoch=job.epoch, token=job.token)
    error = ErrorInfo(
        type=TIME_LIMIT_ERROR, message=detail, module="billiard.exceptions", traceback=""
    )
    decision = decided(policy_of(job), job, Cause.TIMED_OUT, error=error)
    end(key, decision, error, Cause.TIMED_OUT, call=raised(job, Cause.TIMED_OUT, error))


def raised(job: Job, cause: Cause, error: ErrorInfo) -> NewCall:
    """Return the call of the next attempt of a row after a failure."""
    return decisions.after_failure(job.pk, job, ran.task_of(job), cause, error)


def policy_of(job: Job) -> RetryPolicy:
    """Return how the job is retried, as the task that ran decides.

    If its code is not here, calls of tasks count as Celery's, and jobs submitted to a topic follow
    the queue.
    """
    task = ran.task_of(job)
    by_queue = getattr(task, "retried_by_queue", not job.task)
    return with_errors_of(task, retry_policy(job.queue, job.options, by_queue=by_queue))


def with_errors_of(task: object, policy: RetryPolicy) -> RetryPolicy:
    """Return the policy with the lists of errors that a consumer has of its own."""
    only, never = getattr(task, "retry_on", ()), getattr(task, "no_retry_on", ())
    if not only and not never:
        return policy
    return replace(policy, errors=policy.errors.replaced(only, never))


def retry_policy(queue: str, options: Mapping[str, Any], *, by_queue: bool) -> RetryPolicy:
    """Return how a job is retried: by its queue's policy, or as in Celery, not by itself."""
    usual = snapshot().policy(queue).retry if by_queue else as_celery()
    return own_retries.of(usual, options)


def as_celery() -> RetryPolicy:
    """Return the policy of a Celery task: no retries by itself."""
    return RetryPolicy(retries=0, delay=0.0, crashes=settings().crashes)
