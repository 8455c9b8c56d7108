"""A queue with a limit, and a job bound from it."""

from __future__ import annotations

from typing import Any

from offload.core.attempt_key import AttemptKey
from offload.core.placement.lanes import Lane
from offload.dispatch.lane_binding import limits
from offload.fleet.snapshots import now, snapshot
from offload.models import Queue
from offload.tracking import claiming, finishing
from offload.tracking.binding.chosen import bind_chosen
from offload.tracking.binding.queue_limits import bind_limited
from offload.tracking.queries import suspects, waiting_lanes
from tests.integration.world import HERE, TOPIC, place, row, waiting

LANE = Lane(queue="narrow", topic=TOPIC)


def narrow(**facts: Any) -> None:
    """Make the queue."""
    Queue.objects.create(name="narrow", topics=["dam/**"], **facts)
    snapshot(fresh=True)


def bind_one(name: str = HERE, *, lane: Lane = LANE, suspect: bool = False) -> list[str]:
    """Bind from the queue; return the ids."""
    policy = snapshot(fresh=True).policy("narrow")
    return [job.id for job in bind_limited(place(name), lane, policy, now(), suspect=suspect)]


def keyed(key: str, count: int = 1, **facts: Any) -> list[str]:
    """Store waiting jobs of the queue that have a key; return their ids."""
    return waiting(count, queue="narrow", key=key, **facts)


def bind_keyed(name: str = HERE, *, window: int = 100, suspect: bool = False) -> list[str]:
    """Bind what the queue's rules choose from all its lanes; return the ids, as jobs are sent."""
    current = snapshot(fresh=True)
    policy, found = current.policy("narrow"), current.topology.instance(name)
    assert found is not None
    lanes = [one for one in (suspects() if suspect else waiting_lanes()) if one.queue == "narrow"]
    bound = bind_chosen(
        place(name, window=window),
        lanes,
        policy,
        now(),
        here=limits(policy, found, current),
        suspect=suspect,
    )
    return [job.id for job in bound]


def end(job_id: str) -> None:
    """Let a bound job begin and succeed."""
    job = row(job_id)
    key = AttemptKey(job_id=job_id, epoch=job.epoch, token="t")
    assert claiming.claim(key) is not None
    finishing.succeed(key, None, aftermath=False)
