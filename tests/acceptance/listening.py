"""Celery's events as Flower hears them: by Celery's receiver."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from celery.events.state import State

from offload.messaging.installation import celery_app

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def listening() -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """Listen in a thread; yield Celery's picture of the cluster, and the events as they come."""
    state: Any = State()
    heard: list[dict[str, Any]] = []
    ready = threading.Event()

    def take(event: dict[str, Any]) -> None:
        heard.append(event)
        state.event(event)

    with celery_app().connection_for_read() as connection:
        events: Any = celery_app().events
        receiver = events.Receiver(connection, handlers={"*": take})
        receiver.on_consume_ready = lambda *_args, **_kwargs: ready.set()
        thread = threading.Thread(target=lambda: receiver.capture(wakeup=False), daemon=True)
        thread.start()
        assert ready.wait(60)
        yield state, heard
        receiver.should_stop = True
        thread.join(60)
        assert not thread.is_alive()
