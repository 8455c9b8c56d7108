"""Celery's result backend: whether it can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.backends.base import DisabledBackend
from celery.backends.rpc import RPCBackend

from offload.core.exceptions import ConfigurationError
from offload.diagnostics.finding import Finding, fail, is_refusal, ok, one_line, warn
from offload.messaging.timeouts import within
from offload.results import result_backend, task_results

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "results"

#: Seconds for an answer.
PROBE_TIMEOUT_SECONDS = 5.0

START_BACKEND = "Start it, migrate it, or correct CELERY_RESULT_BACKEND."
CORRECT_ADDRESS = (
    "Correct CELERY_RESULT_BACKEND: its user, its password, or what follows the last slash."
)

#: An id that no task has.
UNUSED_ID = "offload-doctor"


def examine() -> Iterator[Finding]:
    """Yield whether the result backend answers."""
    try:
        backend = result_backend.backend()
    except ConfigurationError:
        yield fail(SUBJECT, "The result backend is unknown.", "Install a Celery app first.")
        return
    name = type(backend).__name__
    if isinstance(backend, DisabledBackend):
        fact = "No result backend is set: AsyncResult knows nothing; job.result() works."
        yield warn(SUBJECT, fact, 'Write CELERY_RESULT_BACKEND = "django-db".')
    elif isinstance(backend, RPCBackend):
        yield ok(SUBJECT, f"{name}: answers come through the broker.")
    elif error := _problem(backend):
        refuses = is_refusal(error)
        does = "refuses the connection" if refuses else "does not answer"
        fact = f"{name} {does}: {type(error).__name__}: {one_line(error)}"
        yield fail(SUBJECT, fact, CORRECT_ADDRESS if refuses else START_BACKEND)
    else:
        yield ok(SUBJECT, f"{name} answers.")


def _problem(backend: Any) -> Exception | None:
    """Return the error that keeps the backend from answering, or None."""
    try:
        if task_results.in_transaction():
            backend.get_state(UNUSED_ID)
        else:
            within(PROBE_TIMEOUT_SECONDS, lambda: _ask(backend))
    except Exception as error:  # A backend may be built on any library, with errors of its own.
        return error
    return None


def _ask(backend: Any) -> None:
    ping = getattr(getattr(backend, "client", None), "ping", None)
    _ = ping() if ping else backend.get_state(UNUSED_ID)
