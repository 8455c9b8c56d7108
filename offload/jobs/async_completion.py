"""Ends of jobs that were handed over: by their token from any process, or by their time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kombu.utils.json import dumps

from offload.core import tokens
from offload.core.attempt_key import AttemptKey
from offload.core.exceptions import FailedOutside, InvalidValue, UnknownJob
from offload.core.outcomes import ErrorInfo
from offload.core.progress import Progress
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.core.texts import told
from offload.db import database
from offload.fleet.duties import Duty
from offload.fleet.each import each
from offload.jobs import aftermath, losses
from offload.jobs.decisions import decided
from offload.models import Job
from offload.results import result_backend, task_results
from offload.results.giving_back import give_back_attempt
from offload.tracking import async_completion, runs
from offload.tracking.changes import stale

if TYPE_CHECKING:
    from offload.core.exceptions import OffloadError
    from offload.core.retries import RetryDecision

#: How a job ends that its token lets fail.
FAILED_STATES = frozenset({JobState.ERROR, JobState.GIVEN_UP})
OVERDUE_MESSAGE = "it was handed over and not ended in time"
#: Attempts whose time is looked at together.
TIME_OUT_BATCH_JOBS = 100


def token_of(key: AttemptKey) -> str:
    """Return the text by which an attempt is ended from outside."""
    return str(tokens.Token(key.job_id, key.epoch, key.secret))


def complete(token: str, value: Any = None) -> None:
    """End a job that was handed over with this value, as if its consumer had returned it.

    It may be called before the consumer has returned, and again with the same value: whoever
    lost the answer to a first call hears that it is done. Raise InvalidToken, UnknownJob, or
    StaleAttempt where the attempt has ended otherwise; InvalidValue for what cannot be stored,
    and then the job is as it was.
    """
    key = _key(token)
    value = _prepared(value)
    if not async_completion.succeed(key, value) and not _has_come_to(key, value):  # E6
        raise _refusal(key)
    _conclude(key)


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


def _has_come_to(key: AttemptKey, value: Any) -> bool:
    """Return whether this token has ended the job already, with this value."""
    row = async_completion.ended_by(key)
    if row is None or row.state != JobState.SUCCEEDED:
        return False
    return bool(dumps(result_backend.value_of(row)) == dumps(value))


def fail(token: str, message: str, retry: bool = True) -> None:
    """End the attempt of a job that was handed over with an error.

    It is retried as an exception of its consumer would be; without ``retry`` the job ends in
    ERROR. Where that was the job's end, a second call with the same error is done. Raise
    InvalidToken, UnknownJob, or StaleAttempt where the attempt has ended otherwise.
    """
    key, error = _key(token), _error(message)
    if _has_failed_with(key, error):
        return
    job = _running(key)
    decision = decided(losses.policy_of(job), job, Cause.FAILED, final=not retry)
    if not _failed(key, decision, error):
        raise _refusal(key)


def progress(token: str, current: float, total: float | None = None, message: str = "") -> None:
    """Say how far a job that was handed over is.

    What is no finite number counts as not known. Raise InvalidToken, UnknownJob, or StaleAttempt
    where the attempt has ended already.
    """
    key = _key(token)
    said = Progress.said(current, total, message)
    if not runs.write(key, "progress", dumps(said.as_dict())):
        raise _refusal(key)


def time_out() -> int:
    """End the attempts that were handed over for longer than their time; return how many.

    That needs no term: each end is fenced.
    """
    return each(async_completion.overdue(TIME_OUT_BATCH_JOBS), lambda key: _time_out(*key))


TIME_OUT = Duty(name="time_out", do=time_out, every=1.0, batch=TIME_OUT_BATCH_JOBS)


def _time_out(job_id: str, epoch: int) -> None:
    handed = Job.objects.filter(state=JobState.ACTIVE, handed_until__isnull=False)
    job = handed.filter(pk=job_id, epoch=epoch).first()
    if job is not None:
        losses.time_out(job, OVERDUE_MESSAGE)


def _has_failed_with(key: AttemptKey, error: ErrorInfo) -> bool:
    """Return whether this token has ended the job already, with this error."""
    row = async_completion.ended_by(key)
    return row is not None and row.state in FAILED_STATES and row.error == error.message


def _key(token: str) -> AttemptKey:
    said = tokens.read(token)
    return AttemptKey.by(said.secret, job_id=said.job_id, epoch=said.epoch)


def _running(key: AttemptKey) -> Job:
    job = Job.objects.of(key).filter(state=JobState.ACTIVE).first()
    if job is None:
        raise _refusal(key)
    return job


def _error(message: object) -> ErrorInfo:
    return ErrorInfo.of(FailedOutside, told(message))


def _failed(key: AttemptKey, decision: RetryDecision, error: ErrorInfo) -> bool:
    if decision.state is JobState.PENDING:
        state = give_back_attempt(key, decision, error, cause=Cause.FAILED)
    else:
        state = decision.state if async_completion.fail(key, decision, error) else None
    if state is not None and state.is_final:
        _conclude(key)
    return state is not None


def _conclude(key: AttemptKey) -> None:
    """Do what is due, with the end where all of it lies in this database, else after it."""
    if task_results.in_transaction():
        aftermath.conclude_all([key.job_id])
    else:
        database.on_commit(lambda: aftermath.conclude_all([key.job_id]))


def _refusal(key: AttemptKey) -> OffloadError:
    """Return why a token that can be read ends nothing."""
    if not Job.objects.filter(pk=key.job_id).exists():
        return UnknownJob(job_id=key.job_id)
    return stale(key)
