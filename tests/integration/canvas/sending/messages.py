"""What a call left, its row or a message, and tasks that another instance announces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.fleet import snapshots
from offload.models import Instance, Job
from offload.models.versions import raise_version

if TYPE_CHECKING:
    from celery import Celery


@pytest.fixture
def elsewhere(app: Celery) -> None:
    """Announce tasks that are registered on another instance only."""
    Instance.objects.create(
        name="far@away",
        incarnation="boot-1",
        cluster="default",
        mode="ready",
        joined=1,
        host="away",
        boot_id="1",
        pid=1,
        concurrency=1,
        window=2,
        protocol=1,
        consumers=[
            {"pattern": "far/away", "task": "far.away"},
            {"pattern": "far/*", "task": "far.many"},
        ],
    )
    raise_version()
    snapshots.forget()


def only() -> Any:
    """Return the one row there is."""
    return Job.objects.get()


def queued(app: Celery) -> int:
    """Return how many messages Celery's own queue holds."""
    with app.connection_for_read() as connection:
        size: int = connection.SimpleQueue(app.conf.task_default_queue).qsize()
        return size
