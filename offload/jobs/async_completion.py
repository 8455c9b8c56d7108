"""Ends of jobs that were handed over: by their token from any process, or by their time."""

from __future__ import annotations

from random import random
from typing import TYPE_CHECKING, Any

from kombu.utils.json import dumps

from offload.core import tokens
from offload.core.exceptions import FailedOutside, InvalidValue, StaleAttempt, UnknownJob
from offload.core.outcomes import ErrorInfo
from offload.core.progress import Progress
from offload.core.retries import Cause, decide
from offload.core.states import JobState
from offload.core.texts import told
from offload.db import database
from offload.fleet.each import each
from offload.jobs import aftermath, losses
from offload.models import Job
from offload.results import result_backend, task_results
from offload.signals import stale_attempt
from offload.tracking import async_completion, runs
from offload.tracking.claiming import Fence

if TYPE_CHECKING:
    from offload.core.exceptions import OffloadError
    from offload.core.retries import RetryDecision

#: How a job ends that its token lets fail.
FAILED = frozenset({JobState.ERROR, JobState.GIVEN_UP})
OVERDUE = "it was handed over, and not ended in its time"


def token_of(fence: Fence) -> str:
    """Return the text by which an attempt is ended from outside."""
    return str(tokens.Token(fence.job_id, fence.epoch, fence.secret))


def complete(token: str, value: Any = None) -> None:
    """End a job that was handed over with this value, as if its consumer had returned it.

    It may be called before the consumer has returned, and again with the same value: whoever
    lost the answer to a first call hears that it is done. Raise InvalidToken, UnknownJob, or
    StaleAttempt where the attempt has ended otherwise; InvalidValue for what cannot be stored,
    and then the job is as it was.
    """
    fence = _fence(token)
    value = _prepared(value)
    if not async_completion.succeed(fence, value) and not _has_come_to(fence, value):
        raise _refusal(fence)
    _conclude(fence)


def _prepared(value: Any) -> Any:
    """Return a value as the backend takes it; raise InvalidValue for one that cannot be stored."""
    try:
        result_backend.encoded(value)
        prepared = result_backend.backend().prepare_value(value)
        # The row holds JSON, whatever the backend takes.
        dumps(prepared)
    except Exception as error:
        raise InvalidValue(kind=type(value).__name__, problem=told(error)) from error
    return prepared


def _has_come_to(fence: Fence, value: Any) -> bool:
    """Return whether this token has ended the job already, with this value."""
    row = async_completion.ended_by(fence)
    if row is None or row.state != JobState.SUCCEEDED:
        return False
    return bool(dumps(result_backend.value_of(row)) == dumps(value))


def fail(token: str, message: str, retry: bool = True) -> None:
    """End the attempt of a job that was handed over with an error.

    It is retried as an exception of its consumer would be; without ``retry`` the job ends in
    ERROR. Where that was the job's end, a second call with the same error is done. Raise
    InvalidToken, UnknownJob, or StaleAttempt where the attempt has ended otherwise.
    """
    fence, error = _fence(token), _error(message)
    if _has_failed_with(fence, error):
        return
    job = _running(fence)
    decision = decide(
        losses.policy_of(job),
        cause=Cause.FAILED,
        failures=job.failures,
        crashes=job.crashes,
        final=not retry,
        luck=random(),  # noqa: S311 - nothing secret
    )
    if not _failed(fence, decision, error):
        raise _refusal(fence)


def progress(token: str, current: float, total: float | None = None, message: str = "") -> None:
    """Say how far a job that was handed over is.

    What is no finite number counts as not known. Raise InvalidToken, UnknownJob, or StaleAttempt
    where the attempt has ended already.
    """
    fence = _fence(token)
    said = Progress.said(current, total, message)
    if not runs.write(fence, "progress", dumps(said.as_dict())):
        raise _refusal(fence)


def time_out() -> None:
    """End the attempts that were handed over for longer than their time."""
    each(async_completion.overdue(), lambda key: _time_out(*key))


def _time_out(job_id: str, epoch: int) -> None:
    handed = Job.objects.filter(state=JobState.ACTIVE, handed_until__isnull=False)
    job = handed.filter(pk=job_id, epoch=epoch).first()
    if job is not None:
        losses.time_out(job, OVERDUE)


def _has_failed_with(fence: Fence, error: ErrorInfo) -> bool:
    """Return whether this token has ended the job already, with this error."""
    row = async_completion.ended_by(fence)
    return row is not None and row.state in FAILED and row.error == error.message


def _fence(token: str) -> Fence:
    said = tokens.read(token)
    return Fence.by(said.secret, job_id=said.job_id, epoch=said.epoch)


def _running(fence: Fence) -> Job:
    current = Job.objects.filter(pk=fence.job_id, epoch=fence.epoch, token=fence.token)
    job = current.filter(state=JobState.ACTIVE).first()
    if job is None:
        raise _refusal(fence)
    return job


def _error(message: object) -> ErrorInfo:
    kind = FailedOutside
    return ErrorInfo(
        type=kind.__name__, message=told(message), module=kind.__module__, traceback=""
    )


def _failed(fence: Fence, decision: RetryDecision, error: ErrorInfo) -> bool:
    if decision.state is JobState.PENDING:
        state = _again(fence, decision, error)
    else:
        state = decision.state if async_completion.fail(fence, decision, error) else None
    if state is not None and state.is_final:
        _conclude(fence)
    return state is not None


def _again(fence: Fence, decision: RetryDecision, error: ErrorInfo) -> JobState | None:
    with database.atomic():
        state = runs.requeue(fence, decision, error, cause=Cause.FAILED, changes={})
        task_results.mark_retry([fence.job_id] if state is JobState.PENDING else [])
    return state


def _conclude(fence: Fence) -> None:
    """Do what is due, with the end where all of it lies in this database, else after it."""
    if task_results.in_transaction():
        aftermath.conclude_all([fence.job_id])
    else:
        database.on_commit(lambda: aftermath.conclude_all([fence.job_id]))


def _refusal(fence: Fence) -> OffloadError:
    """Return why a token that can be read ends nothing."""
    if not Job.objects.filter(pk=fence.job_id).exists():
        return UnknownJob(job_id=fence.job_id)
    stale_attempt.send_robust(sender=None, job_id=fence.job_id, epoch=fence.epoch, began=True)
    return StaleAttempt(job_id=fence.job_id, epoch=fence.epoch)
