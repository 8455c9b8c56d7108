"""The outcome of a run, as a value."""

from __future__ import annotations

import logging
import traceback
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from billiard.common import terminate_handler_fired  # type: ignore[attr-defined]
from celery import current_app
from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded, WorkerTerminate
from celery.utils.serialization import ensure_serializable
from celery.worker import state as worker_state
from kombu.utils.json import dumps

from offload.canvas.freezing import context
from offload.canvas.freezing.calls import seconds_until
from offload.core.exceptions import (
    InvalidDelay,
    InvalidFile,
    InvalidName,
    InvalidProgram,
    InvalidValue,
    JobStopped,
    MissingFile,
    OpenTransaction,
    PermanentError,
    ResourceDenied,
)
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
from offload.core.retries import Cause
from offload.core.texts import as_text, printable
from offload.core.validation.bounds import RETRY_DELAY
from offload.worker.tasks.attempts import ReplacedBy
from offload.worker.tasks.current_job import handed_over_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from offload.canvas.freezing.context import Continuation

logger = logging.getLogger("offload.worker")

#: Errors that another attempt would meet again, because a job's files, its code's result and what
#: its code passes to the methods of `CurrentJob` are fixed.
PERMANENT_ERRORS = (
    InvalidDelay,
    InvalidFile,
    InvalidName,
    InvalidProgram,
    InvalidValue,
    MissingFile,
    PermanentError,
)


def outcome_of(
    run: Callable[[], Any], encode: Callable[[Any], Any]
) -> tuple[Outcome, BaseException | None]:
    """Run and return the outcome (R7), with the exception that led to it.

    The value is encoded here as its backend would do it, before anything is final: a value that
    cannot be encoded ends the job, because another attempt would return the same. Anything raised
    determines the outcome, even if it is not an Exception. A run whose process was told to end has
    no outcome.
    """
    try:
        value = run()
        continued = _continuation()
        if continued is not None:
            return _requeued(continued, None), None
        handed = _handed_over()
        if handed is not None:
            return handed, None
        _check_storable(value, encode)
    except BaseException as error:
        if _was_told_to_end(error):
            raise
        meant = context.meant(error)
        return _of_error(meant), meant
    return Succeeded(value), None


def _check_storable(value: object, encode: Callable[[Any], Any]) -> None:
    try:
        encode(value)
    except (MemoryError, SoftTimeLimitExceeded):
        # These concern the run, not its value.
        raise
    except Exception as error:
        raise unstorable(value, error) from error


def unstorable(value: object, problem: Exception) -> InvalidValue:
    """Return the error for a value that cannot be stored."""
    return InvalidValue(kind=type(value).__name__, problem=as_text(problem))


def _was_told_to_end(error: BaseException) -> bool:
    """Return whether this process is being ended for a reason that the worker knows.

    Such reasons are a time limit and a shutdown; the run's own report would count as the job's
    failure. Without a pool of processes, Celery ends the run by an exception in the middle of it.
    """
    # An exit code of 0 is valid.
    is_told = worker_state.should_terminate is not None
    return (isinstance(error, WorkerTerminate) and is_told) or bool(terminate_handler_fired())


def judged(
    outcome: Outcome, error: BaseException | None, left: Mapping[str, str]
) -> tuple[Outcome, BaseException | None]:
    """Return the outcome of a run, which is a failure if it ``left`` transactions open.

    Its uncommitted changes were rolled back; the message of an earlier failure says that too.
    """
    if not left:
        return outcome, error
    problem = OpenTransaction(left=left)
    match outcome:
        case Failed():
            return replace(outcome, error=_besides(outcome.error, problem)), error
        case Requeued():
            merged = _besides(outcome.error, problem) if outcome.error else info(problem)
            return replace(outcome, error=merged), error
        case Rejected() | Stopped() | Denied():
            logger.warning("%s It ends as its run said.", problem)
            return outcome, error
    return Failed(cause=Cause.FAILED, error=info(problem)), problem


def _besides(error: ErrorInfo, problem: OpenTransaction) -> ErrorInfo:
    text = f"{error.message}. {problem}"
    return replace(error, message=text, traceback=f"{error.traceback}\n{problem}\n")


def _continuation() -> Continuation | None:
    """Return the retry that `self.retry` sent, even if it did not raise."""
    running = context.running.get()
    return running.continuation if running else None


def _handed_over() -> HandedOver | None:
    timeout = handed_over_for()
    return None if timeout is None else HandedOver(timeout=timeout)


def _of_error(error: BaseException) -> Outcome:
    continued = _continuation()
    match error:
        case Retry() if continued is not None:
            return _requeued(continued, error)
        case Retry():
            return _put_back(error)
        case ReplacedBy():
            return Replaced(dict(error.signature))
        case Ignore():
            return _handed_over() or Ignored()
        case ResourceDenied():
            return Denied(resource=error.resource, retry_in=error.retry_in, error=info(error))
        case Reject():
            return Rejected(requeue=bool(getattr(error, "requeue", False)))
        case JobStopped():
            return Stopped(error=info(error))
        case SoftTimeLimitExceeded():
            return Failed(cause=Cause.TIMED_OUT, error=info(error))
        case _:
            return Failed(
                cause=Cause.FAILED,
                error=info(error),
                final=isinstance(error, PERMANENT_ERRORS),
                delay=_delay_of(error),
            )


def _delay_of(error: BaseException) -> float | None:
    """Return the seconds to wait that an error asks for by `retry_after`, if they are readable."""
    asked = getattr(error, "retry_after", None)
    if isinstance(asked, timedelta):
        asked = asked.total_seconds()
    is_asked = isinstance(asked, int | float) and not isinstance(asked, bool)
    return RETRY_DELAY.nearest(asked) if is_asked else None


def _requeued(continued: Continuation, error: BaseException | None) -> Requeued:
    cause = getattr(error, "exc", None)
    return Requeued(
        delay=max(0.0, continued.delay or 0.0),
        args=tuple(continued.args),
        properties=dict(continued.kwargs),
        retries=continued.retries,
        error=info(cause) if isinstance(cause, BaseException) else None,
        options=continued.options,
        expires_in=continued.expires_in,
    )


def _put_back(error: Retry) -> Outcome:
    """Return the requeue that a bare Retry asks for; an unreadable time fails the attempt."""
    try:
        delay = seconds_until(current_app, error.when)
    except (AttributeError, TypeError, ValueError) as unreadable:
        return Failed(cause=Cause.FAILED, error=info(unreadable))
    return Requeued(delay=max(0.0, delay or 0.0))


def info(error: BaseException) -> ErrorInfo:
    """Return an exception as text that every database can store."""
    return ErrorInfo.of(
        type(error),
        as_text(error) or type(error).__name__,
        traceback=printable("".join(traceback.format_exception(error))),
        arguments=tuple(ensure_serializable(list(error.args), dumps)),
    )
