"""Celery's request for messages of jobs.

For a job, this process only reports; the outcome of a run is decided in the database. So a lost
child or a hard time limit never takes Celery's failure path, which would write results, call
errbacks and count chords a second time.
"""

from __future__ import annotations

import logging
import signal
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.worker.request import Request
from celery.worker.state import revoked as revoked_ids
from celery.worker.state import revoked_stamps, task_ready

from offload.core.matching.escalation import Shortage
from offload.core.retries import Cause
from offload.core.workflows.stamps import is_stamped
from offload.worker.group_messages import WithEnd
from offload.worker.parent.gate import Gate, gate
from offload.worker.parent.headers import envelope_of
from offload.worker.parent.in_flight import jobs_in_flight
from offload.worker.tasks.attempts import NotBegun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from offload.core.envelopes import Key
    from offload.worker.parent.in_flight import InFlight

logger = logging.getLogger("offload.worker")

CAUSE_OF_ERROR: dict[type[BaseException], Cause] = {
    TimeLimitExceeded: Cause.TIMED_OUT,
    WorkerLostError: Cause.CRASHED,
    Terminated: Cause.STOPPED_FORCED,
}


class JobRequest(Request):
    """A request that reports to the agent if its message is a job's (R8)."""

    in_flight: InFlight = jobs_in_flight
    gate: Gate = gate
    #: A weak reference to the pool's result object, once there is one.
    _apply_result: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Record the job as held, and hear of its end through the pool's callback."""
        super().__init__(*args, **kwargs)
        envelope = envelope_of(self.message)
        self.job_key: Key | None = envelope.key if envelope else None
        #: Whether runs of its queue must not overlap.
        self.is_limited = bool(envelope and envelope.is_limited)
        if self.job_key:
            self._send_no_arguments()
            self.in_flight.receive(self.job_key, self)
            # The worker subclasses this class and overrides on_success, so only an attribute of the
            # instance can override it.
            self.on_success = self._reporting(self.on_success)  # type: ignore[method-assign]
            # The queue is consumed without acknowledgements, so Celery must send none.
            self.acknowledged = True

    @property
    def _key(self) -> Key:
        """Return the binding of a job's message."""
        return cast("Key", self.job_key)

    def _send_no_arguments(self) -> None:
        """Give the pool no arguments, because the claim returns those of the row."""
        self._body: Any = ((), {}, {})
        self._content_type = self._content_encoding = None
        self.request_dict.update(args=(), kwargs={})

    def is_begun(self) -> bool:
        """Return whether the pool runs it, or will run it even if the broker connection is lost."""
        if self._apply_result is None:
            return False
        result = self._apply_result()
        if not hasattr(result, "_write_to"):
            # Threads keep the jobs that they were given.
            return True
        return result._write_to is not None and bool(result._write_to._is_alive())

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the pool, during a block, from forgetting that one of its processes has this."""
        result = self._apply_result() if self._apply_result is not None else None
        if result is None or getattr(result, "_accepted", True):
            yield
            return
        result._accepted = True
        try:
            yield
        finally:
            result._accepted = bool(result._worker_pid)

    def _reporting(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        def on_success(outcome: Any, **kwargs: Any) -> Any:
            failed, value, seconds = outcome
            if isinstance(value, WithEnd) and not failed:
                told = partial(self._end, inner, (failed, value.text, seconds), **kwargs)
                self.in_flight.finish(self._key, self)
                return self.gate.end(value.end, told)
            return self._end(inner, outcome, **kwargs)

        return on_success

    def _end(self, inner: Callable[..., Any], outcome: Any, **kwargs: Any) -> Any:
        self.in_flight.end(self._key, self)
        self.gate.soon()
        return inner(outcome, **kwargs)

    def dismiss(self, why: str) -> None:
        """Forget a job that has not begun."""
        logger.info("a message of job %s began nothing: %s", self.id, why)
        self.in_flight.end(self._key, self)
        task_ready(self)

    def revoked(self) -> bool:
        """Let the claim decide on jobs (E2), because a revoked id would be refused for hours.

        A client that does not know jobs may have revoked it; then its job is stopped.
        """
        if not self.job_key:
            return bool(super().revoked())
        if self.id in revoked_ids or is_stamped(self.stamps, revoked_stamps):
            self.in_flight.stop(self.job_key, force=False)
        return False

    def terminate(self, pool: Any, signal: Any = None) -> None:
        """Stop the job by force; if only the run ended, another one would follow."""
        if self.job_key:
            self.in_flight.stop(self.job_key, force=True)
        else:
            super().terminate(pool, signal)

    def on_accepted(self, pid: Any, time_accepted: float) -> None:
        """Record which process runs the job."""
        if self.job_key:
            self.in_flight.accept(self.job_key, pid, self)
        super().on_accepted(pid, time_accepted)

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Report a hard time limit, instead of failing the task here."""
        if soft or not self.job_key:
            super().on_timeout(soft, timeout)
        else:
            self._lose(Cause.TIMED_OUT, f"hard time limit of {timeout} s")

    def on_failure(
        self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False
    ) -> Any:
        """Report a lost run; an ordinary failure is already in the database."""
        if not self.job_key:
            return super().on_failure(exc_info, send_failed_event, return_ok)
        error = _unwrapped(exc_info.exception)
        if isinstance(error, NotBegun):
            return self._lose(Cause(error.cause), error.detail)
        if return_ok:
            self.in_flight.end(self.job_key, self)
            return super().on_failure(exc_info, send_failed_event, return_ok=True)
        cause = CAUSE_OF_ERROR.get(type(error), Cause.CRASHED)
        killed = cause is Cause.CRASHED and self._exit_code() == -signal.SIGKILL
        return self._lose(Shortage.OUT_OF_MEMORY if killed else cause, _error_text(error))

    def _exit_code(self) -> int | None:
        """Return the exit code with which the pool's process died under it, if it did."""
        result = self._apply_result() if self._apply_result is not None else None
        lost = getattr(result, "_worker_lost", None)
        return lost[1] if lost else None

    def _lose(self, cause: Cause | Shortage, detail: str) -> None:
        if cause is Cause.CRASHED and self.time_start is None and self.gate.undo(self, detail):
            return
        task_ready(self)
        self.gate.soon()
        if self.job_key:
            self.in_flight.lose(self.job_key, cause, detail, self)

    def cancel(self, pool: Any, signal: Any = None, emit_retry: bool = True) -> None:
        """Report a run that a cold shutdown ends, which Celery would publish again."""
        if not self.job_key:
            super().cancel(pool, signal, emit_retry)
            return
        try:
            if self.time_start:
                pool.terminate_job(self.worker_pid, signal)
        except NotImplementedError:
            # Threads and solo cannot end a run: it goes on, and its job moves if the process ends
            # first.
            return
        self._lose(Cause.STOPPED_FORCED, "the worker was shut down")


def _error_text(error: BaseException) -> str:
    known = type(error) in CAUSE_OF_ERROR
    return str(error) if known else f"{type(error).__name__}: {error}"


def _unwrapped(error: Any) -> BaseException:
    """Unwrap the exception from the pool's wrapper."""
    inner = getattr(error, "exc", None)
    return inner if isinstance(inner, BaseException) else error
