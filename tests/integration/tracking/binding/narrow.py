"""A queue with a limit, and a job bound from it."""

from __future__ import annotations

from typing import Any

from offload.core.placement.lanes import Lane
from offload.fleet.snapshots import now, snapshot
from offload.models import Queue
from offload.tracking.binding.queue_limits import bind_limited
from tests.integration.world import HERE, TOPIC, place

LANE = Lane(queue="narrow", topic=TOPIC)


def narrow(**facts: Any) -> None:
    """Make the queue."""
    Queue.objects.create(name="narrow", topics=["dam/**"], **facts)
    snapshot(fresh=True)


def bind_one(name: str = HERE, *, lane: Lane = LANE, suspect: bool = False) -> list[str]:
    """Bind from the queue; return the ids."""
    policy = snapshot(fresh=True).policy("narrow")
    return [job.id for job in bind_limited(place(name), lane, policy, now(), suspect=suspect)]
