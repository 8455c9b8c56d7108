"""Attempts that ended without a word: crashed, over their limit, or unknown to their worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.attempt_key import AttemptKey
from offload.core.exceptions import CannotBegin
from offload.core.outcomes import ErrorInfo
from offload.core.retries import FAILURES, Cause, RetryDecision, RetryPolicy
from offload.core.states import JobState
from offload.core.tokens import new_secret
from offload.fleet.snapshots import snapshot
from offload.jobs import aftermath, ran
from offload.jobs.decisions import decided
from offload.models import Job
from offload.queues import own_retries
from offload.results.giving_back import give_back, give_back_attempt
from offload.tracking import claiming, runs, selectors
from offload.tracking.selectors import ANYWHERE

if TYPE_CHECKING:
    from offload.tracking.claiming import Claimed
    from offload.tracking.selectors import Seat, Selector

TIME_LIMIT_ERROR = "TimeLimitExceeded"
#: Ends that were wanted, or nobody's fault: they count neither as failure nor as crash (R10).
UNCOUNTED_CAUSES = (Cause.STOPPED_FORCED, Cause.LEASE_EXPIRED)


def crashed(job_id: str, epoch: int, told: str, *, here: Seat = ANYWHERE) -> None:
    """End an attempt whose process died."""
    _give_back(selectors.process(job_id, epoch, here), cause=Cause.CRASHED, told=told, crash=True)


def ended(job_id: str, epoch: int, *, cause: str, told: str, here: Seat = ANYWHERE) -> None:
    """End an attempt as its worker reported it; what went wrong before it began is one too (R12).

    ``here`` is where that worker is: what is not bound to it is not its to begin, nor to end.
    """
    if cause in UNCOUNTED_CAUSES:
        attempt = selectors.process(job_id, epoch, here)
        _give_back(attempt, cause=Cause(cause), told=told, crash=False)
        return
    key = AttemptKey.by(new_secret(), job_id=job_id, epoch=epoch)
    unbegun = claiming.claim(key, here)
    if unbegun is not None and cause in FAILURES:
        _failed(key, unbegun, Cause(cause), told)
    elif cause == Cause.TIMED_OUT:
        _timed_out(job_id, epoch, told, here)
    else:
        crashed(job_id, epoch, told, here=here)


def _failed(key: AttemptKey, claimed: Claimed, cause: Cause, told: str) -> None:
    """End an attempt of which nothing ran: whatever its task is, its queue says how often."""
    retry = own_retries.of(snapshot().policy(claimed.queue).retry, claimed.options)
    error = ErrorInfo.of(CannotBegin, told, arguments=(told,))
    _end(key, decided(retry, claimed, cause), error, cause)


def _end(key: AttemptKey, decision: RetryDecision, error: ErrorInfo, cause: Cause) -> None:
    if decision.state is JobState.PENDING:
        state = give_back_attempt(key, decision, error, cause=cause)
    else:
        runs.fail(key, decision, error, aftermath=True, for_the_dead=True)
        state = decision.state
    if state is not None and state.is_final:
        aftermath.conclude_all([key.job_id])


def _give_back(attempt: Selector, *, cause: Cause, told: str, crash: bool) -> None:
    changes = give_back(attempt, cause=cause, error=told, crash=crash)
    aftermath.conclude_all([one.job_id for one in changes if JobState(one.new).is_final])


def _timed_out(job_id: str, epoch: int, told: str, here: Seat) -> None:
    running = Job.objects.filter(state=JobState.ACTIVE, handed_until=None)
    job = running.filter(pk=job_id, epoch=epoch, **here.given()).first()
    if job is not None:
        time_out(job, told)


def time_out(job: Job, told: str) -> None:
    """End the attempt that a row tells of: its time is over."""
    key = AttemptKey(job_id=job.pk, epoch=job.epoch, token=job.token)
    error = ErrorInfo(
        type=TIME_LIMIT_ERROR, message=told, module="billiard.exceptions", traceback=""
    )
    _end(key, decided(policy_of(job), job, Cause.TIMED_OUT), error, Cause.TIMED_OUT)


def policy_of(job: Job) -> RetryPolicy:
    """Return how the job is retried: as its queue says, or as Celery does, not by itself.

    The task that ran decides, as it does where an attempt tells its own end. Where its code is
    not here, calls are taken for Celery's and what was submitted to a topic for the queue's.
    """
    by_queue = getattr(ran.task_of(job), "retried_by_queue", not job.task)
    usual = snapshot().policy(job.queue).retry if by_queue else as_celery()
    return own_retries.of(usual, job.options)


def as_celery() -> RetryPolicy:
    """Return how a Celery task is retried: not by itself."""
    return RetryPolicy(retries=0, delay=0.0, crashes=settings().crashes)
