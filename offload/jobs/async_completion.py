"""Ends of handed-over jobs: by their token, from any process, or when their time is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kombu.utils.json import dumps

from offload.core import tokens
from offload.core.attempt_key import AttemptKey
from offload.core.exceptions import FailedOutside, InvalidToken, InvalidValue, UnknownJob
from offload.core.outcomes import ErrorInfo
from offload.core.progress import Progress
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.core.texts import as_text
from offload.core.tokens import StepToken
from offload.fleet.duties import Duty
from offload.fleet.each import for_each
from offload.jobs import losses
from offload.jobs.decisions import decided
from offload.models import Job
from offload.results import result_backend
from offload.runs import step_decisions
from offload.tracking import async_completion, finishing
from offload.tracking.state_changes import stale_attempt

if TYPE_CHECKING:
    from offload.core.envelopes import Key
    from offload.core.exceptions import OffloadError

#: The state of a job that fails by its token.
FAILED_STATES = frozenset({JobState.ERROR, JobState.GIVEN_UP})
OVERDUE_MESSAGE = "it was handed over and not ended in time"
#: Overdue attempts that are read at once.
TIME_OUT_BATCH_JOBS = 100


def token_of(key: AttemptKey) -> str:
    """Return the token that lets other processes end an attempt."""
    return str(tokens.Token(key.job_id, key.epoch, key.secret))


def complete(token: str, value: Any = None) -> None:
    """End a handed-over job with this value, as if its consumer had returned it.

    ``token`` is the text that ``job.hand_over()`` returned, or that of a step of a workflow that
    waits for it, which ends likewise. ``value`` is what the result backend
    can encode. It may be called before the consumer has returned, and again with the same value, in
    case the first answer was lost. Raise InvalidToken if the text is no token, UnknownJob if the
    job does not exist, StaleAttempt if the attempt has ended in another way, and InvalidValue, with
    the job unchanged, if the value cannot be stored. For a step's token raise RunRefused, or
    AlreadyDecided, if the step does not wait.
    """
    parsed = tokens.read(token)
    if isinstance(parsed, StepToken):
        step_decisions.complete(parsed, value)
        return
    key = _key(parsed)
    value = _prepared(value)
    if not async_completion.succeed(key, value) and not _has_come_to(key, value):  # E6
        raise _refusal(key)
    losses.conclude(key)


def _prepared(value: Any) -> Any:
    """Return a value as the backend encodes it; raise InvalidValue if it cannot be stored."""
    try:
        result_backend.encoded(value)
        prepared = result_backend.backend().prepare_value(value)
        # The row holds JSON, whatever the backend can encode.
        dumps(prepared)
    except Exception as error:
        raise InvalidValue(kind=type(value).__name__, problem=as_text(error)) from error
    return prepared


def _has_come_to(key: AttemptKey, value: Any) -> bool:
    """Return whether this token has already ended the job with this value."""
    row = async_completion.ended_by(key)
    if row is None or row.state != JobState.SUCCEEDED:
        return False
    return bool(dumps(result_backend.value_of(row)) == dumps(value))


def fail(token: str, message: str, retry: bool = True) -> None:
    """End the attempt of a handed-over job with an error.

    ``token`` is the text that ``job.hand_over()`` returned; ``message`` is the text of the error.
    The job is retried as after an exception of its consumer; without ``retry`` it ends as ERROR at
    once. If this ended the job, it may be called again with the same error. Raise InvalidToken if
    the text is no token, UnknownJob if the job does not exist, and StaleAttempt if the attempt has
    ended in another way. A step that waits for its token fails at once; for that raise RunRefused,
    or AlreadyDecided, if the step does not wait.
    """
    parsed = tokens.read(token)
    if isinstance(parsed, StepToken):
        step_decisions.fail(parsed, as_text(message))
        return
    key, error = _key(parsed), _error(message)
    if _has_failed_with(key, error):
        return
    job = _running(key)
    decision = decided(losses.policy_of(job), job, Cause.FAILED, final=not retry)
    if losses.end(key, decision, error, Cause.FAILED, by_token=True) is None:
        raise _refusal(key)


def progress(token: str, current: float, total: float | None = None, message: str = "") -> None:
    """Report the progress of a handed-over job.

    ``token`` is the text that ``job.hand_over()`` returned. ``current`` and ``total`` are numbers
    in any unit, and ``message`` is a text; a value that is not a finite number counts as unknown.
    Raise InvalidToken if the text is no token, UnknownJob if the job does not exist, and
    StaleAttempt if the attempt has ended.
    """
    parsed = tokens.read(token)
    if isinstance(parsed, StepToken):
        raise InvalidToken(problem="it is that of a step, which has no progress")
    key = _key(parsed)
    if not finishing.report(key, Progress.of(current, total, message)):
        raise _refusal(key)


def time_out() -> int:
    """End handed-over attempts whose time is over; return how many.

    This needs no term, because each end is fenced.
    """
    return for_each(async_completion.overdue(TIME_OUT_BATCH_JOBS), _time_out)


TIME_OUT = Duty(name="time_out", do=time_out, every=1.0, batch=TIME_OUT_BATCH_JOBS)


def _time_out(binding: Key) -> None:
    job = Job.objects.bound_as(binding).handed_over().first()
    if job is not None:
        losses.time_out(job, OVERDUE_MESSAGE)


def _has_failed_with(key: AttemptKey, error: ErrorInfo) -> bool:
    """Return whether this token has already ended the job with this error."""
    row = async_completion.ended_by(key)
    return row is not None and row.state in FAILED_STATES and row.error == error.message


def _key(token: tokens.Token) -> AttemptKey:
    return AttemptKey.by(token.secret, job_id=token.job_id, epoch=token.epoch)


def _running(key: AttemptKey) -> Job:
    job = Job.objects.of(key).filter(state=JobState.ACTIVE).first()
    if job is None:
        raise _refusal(key)
    return job


def _error(message: object) -> ErrorInfo:
    return ErrorInfo.of(FailedOutside, as_text(message))


def _refusal(key: AttemptKey) -> OffloadError:
    """Return why a valid token cannot end its attempt."""
    if not Job.objects.filter(pk=key.job_id).exists():
        return UnknownJob(job_id=key.job_id)
    return stale_attempt(key)
