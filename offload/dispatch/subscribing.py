"""Subscribing to results in the backend, as Celery does before it publishes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from celery.backends.base import Backend
from celery.backends.rpc import RPCBackend

from offload.messaging.installation import current_installation, installed
from offload.messaging.timeouts import within

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("offload.canvas")

#: Seconds for the result backend, or for the broker that sends results.
SUBSCRIBE_TIMEOUT_SECONDS = 1.0


def expect(app: Celery, task_id: str, producer: Any = None) -> bool:
    """Let the backend subscribe to a result; return whether it did.

    If the backend, or its broker, is unreachable, the job is stored all the same.
    """
    backend = app.backend
    if (
        type(backend).on_task_call is Backend.on_task_call
        or current_installation.to_replies.is_open
    ):
        return False
    try:
        with app.producer_or_acquire(producer) as found:
            _subscribe(backend, found, task_id)
    except Exception as error:
        current_installation.to_replies.trip()
        problem = str(error) or repr(error)
        logger.warning("the result of %s cannot be waited for in the backend: %s", task_id, problem)
        return False
    return True


def _subscribe(backend: Any, producer: Any, task_id: str) -> None:
    if isinstance(backend, RPCBackend):
        # It declares this thread's queue.
        producer.connection.ensure_connection(max_retries=1, timeout=SUBSCRIBE_TIMEOUT_SECONDS)
        backend.on_task_call(producer, task_id)
    else:
        within(SUBSCRIBE_TIMEOUT_SECONDS, lambda: backend.on_task_call(producer, task_id))


def reply_options() -> dict[str, Any]:
    """Return the option that names the queue for results of this thread's jobs.

    It is empty if the backend stores results. The queue is declared first, so that no reply can
    come before it exists.
    """
    app = installed()
    if app is None or not _replies(app):
        return {}
    expect(app, "")
    return {"reply_to": app.thread_oid}


def _replies(app: Celery) -> bool:
    """Return whether the backend sends results; False if the backend cannot be created."""
    try:
        return isinstance(app.backend, RPCBackend)
    except Exception as error:
        logger.warning("the result backend cannot be used: %s", error)
        return False
