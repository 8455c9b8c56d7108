"""The outcome of a run, as a value."""

from __future__ import annotations

import logging
import traceback
from dataclasses import replace
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
    InvalidValue,
    JobStopped,
    MissingFile,
    OpenTransaction,
    PermanentError,
)
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
from offload.core.retries import Cause
from offload.core.texts import printable, told
from offload.worker.tasks.current import handed_over_for
from offload.worker.tasks.task import ReplacedBy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from offload.canvas.freezing.context import Continuation

logger = logging.getLogger("offload.worker")

#: What another attempt would meet again: the files a job came with are fixed, and so is what its
#: code returns.
PERMANENT_ERRORS = (InvalidValue, MissingFile, PermanentError)


def outcome_of(
    run: Callable[[], Any], encode: Callable[[Any], Any]
) -> tuple[Outcome, BaseException | None]:
    """Run and return what it came to (R7), with the exception that said so.

    The value is encoded here as its backend would, before anything is final: one that cannot be
    ends the job, since another attempt would return the same. Whatever is raised says what
    became of the run, also what is no Exception. Nothing is said of a run whose process was
    told to end.
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
        # What befalls the run, and not its value.
        raise
    except Exception as error:
        raise unstorable(value, error) from error


def unstorable(value: object, problem: Exception) -> InvalidValue:
    """Return the error that says of a run's value that it cannot be stored."""
    return InvalidValue(kind=type(value).__name__, problem=told(problem))


def _was_told_to_end(error: BaseException) -> bool:
    """Return whether somebody ends this process, and the worker knows why: a limit, a shutdown.

    What the run says of it would count as a failure of the job. Without a pool of processes,
    Celery ends the run itself, by an exception in the middle of it.
    """
    # An exit code of 0 is one.
    is_told = worker_state.should_terminate is not None
    return (isinstance(error, WorkerTerminate) and is_told) or bool(terminate_handler_fired())


def judged(
    outcome: Outcome, error: BaseException | None, left: Mapping[str, str]
) -> tuple[Outcome, BaseException | None]:
    """Return what a run came to that may have ``left`` transactions open: then it has failed.

    What it did not commit was rolled back; one that failed already says that besides.
    """
    if not left:
        return outcome, error
    problem = OpenTransaction(left=left)
    match outcome:
        case Failed():
            return replace(outcome, error=_besides(outcome.error, problem)), error
        case Requeued():
            told = _besides(outcome.error, problem) if outcome.error else info(problem)
            return replace(outcome, error=told), error
        case Rejected() | Stopped():
            logger.warning("%s It ends as its run said.", problem)
            return outcome, error
    return Failed(cause=Cause.FAILED, error=info(problem)), problem


def _besides(error: ErrorInfo, problem: OpenTransaction) -> ErrorInfo:
    told = f"{error.message}. {problem}"
    return replace(error, message=told, traceback=f"{error.traceback}\n{problem}\n")


def _continuation() -> Continuation | None:
    """Return what `self.retry` sent, also where it did not raise."""
    here = context.running.get()
    return here.continuation if here else None


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
        case Reject():
            return Rejected(requeue=bool(getattr(error, "requeue", False)))
        case JobStopped():
            return Stopped(error=info(error))
        case SoftTimeLimitExceeded():
            return Failed(cause=Cause.TIMED_OUT, error=info(error))
        case _:
            final = isinstance(error, PERMANENT_ERRORS)
            return Failed(cause=Cause.FAILED, error=info(error), final=final)


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
    """Return what a bare retry asks for; one whose time cannot be read is a failed attempt."""
    try:
        delay = seconds_until(current_app, error.when)
    except (AttributeError, TypeError, ValueError) as unreadable:
        return Failed(cause=Cause.FAILED, error=info(unreadable))
    return Requeued(delay=max(0.0, delay or 0.0))


def info(error: BaseException) -> ErrorInfo:
    """Return an exception as text that every database takes."""
    return ErrorInfo.of(
        type(error),
        told(error) or type(error).__name__,
        traceback=printable("".join(traceback.format_exception(error))),
        arguments=tuple(ensure_serializable(list(error.args), dumps)),
    )
