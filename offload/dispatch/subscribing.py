"""Telling the result backend that a result is expected, as Celery does before it publishes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from celery.backends.base import Backend
from celery.backends.rpc import RPCBackend

from offload.messaging.installation import installed
from offload.messaging.publisher import Breaker
from offload.messaging.timeouts import within

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("offload.canvas")

#: Seconds that a backend, or a broker for the sake of a result, may take.
SUBSCRIBE_TIMEOUT_SECONDS = 1.0

breaker = Breaker()


def expect(app: Celery, task_id: str, producer: Any = None) -> bool:
    """Let the backend subscribe to a result; return whether it did.

    A backend, or its broker, that is out of reach keeps no job from being stored.
    """
    backend = app.backend
    if type(backend).on_task_call is Backend.on_task_call or breaker.is_open:
        return False
    try:
        with app.producer_or_acquire(producer) as found:
            _subscribe(backend, found, task_id)
    except Exception as error:
        breaker.trip()
        problem = str(error) or repr(error)
        logger.warning("the result of %s cannot be waited for in the backend: %s", task_id, problem)
        return False
    return True


def _subscribe(backend: Any, producer: Any, task_id: str) -> None:
    if isinstance(backend, RPCBackend):
        # The queue that it declares is this thread's.
        producer.connection.ensure_connection(max_retries=1, timeout=SUBSCRIBE_TIMEOUT_SECONDS)
        backend.on_task_call(producer, task_id)
    else:
        within(SUBSCRIBE_TIMEOUT_SECONDS, lambda: backend.on_task_call(producer, task_id))


def reply_options() -> dict[str, Any]:
    """Return the option that names where results of this thread's jobs are sent.

    None is needed where the backend keeps results for whoever asks. The queue is declared, so
    that no reply can come before it.
    """
    app = installed()
    if app is None or not _replies(app):
        return {}
    expect(app, "")
    return {"reply_to": app.thread_oid}


def _replies(app: Celery) -> bool:
    """Return whether the backend sends results; one that cannot be made keeps no job back."""
    try:
        return isinstance(app.backend, RPCBackend)
    except Exception as error:
        logger.warning("the result backend cannot be used: %s", error)
        return False
