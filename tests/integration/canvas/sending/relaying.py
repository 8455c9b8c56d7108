"""Relays: rows of plain tasks, and what they left in Celery's queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.canvas import relays
from offload.messaging.installation import current_installation
from offload.models import Job

if TYPE_CHECKING:
    from celery import Celery

    from offload.messaging.breaker import Breaker


@pytest.fixture
def breaker(app: Celery) -> Breaker:
    """Return what remembers that the broker is away, which it is not."""
    return current_installation.to_broker


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sweep ask at once."""
    monkeypatch.setattr(relays, "ASK_AGAIN_SECONDS", -1.0)
    monkeypatch.setattr("offload.canvas.relays.OVERDUE_SECONDS", -1.0)


def queued(app: Celery) -> list[Any]:
    """Return the messages in Celery's own queue, and take them."""
    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue(app.conf.task_default_queue)
        found = [queue.get(block=False) for _ in range(queue.qsize())]
        for message in found:
            message.ack()
        return found


def relay() -> Job:
    return Job.objects.get(kind="relay")


def fresh(ids: list[str]) -> None:
    """Let relays be as they are before anybody began to send them."""
    Job.objects.ids(ids).update(publishes=0, bound_at=None)
