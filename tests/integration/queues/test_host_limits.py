"""Limits of a queue for all instances of a host together."""

from __future__ import annotations

from typing import Any

import pytest

import offload
from offload.core.exceptions import InvalidQueue
from offload.core.states import Waiting
from offload.dispatch import dispatching
from offload.fleet.snapshots import snapshot
from offload.models import Job, Queue
from offload.queues import declared, policies
from tests.integration.world import HERE, THERE, TOPIC, join, waiting

OTHER = "render@gpu3"


@pytest.fixture(autouse=True)
def _instances(broker: object) -> None:
    for name, host in ((HERE, "box"), (THERE, "box"), (OTHER, "tower")):
        join(name, facts={"host": host})


def limited(most: int | None) -> Queue:
    """Make the queue."""
    policies.add("single", [TOPIC], max_per_host=most)
    snapshot(fresh=True)
    return policies.find("single")


def hosts() -> dict[str, int]:
    """Return how many jobs are bound at each host."""
    found = {"box": 0, "tower": 0}
    for name in Job.objects.bound().values_list("instance", flat=True):
        found["tower" if name == OTHER else "box"] += 1
    return found


def test_no_host_has_more_jobs_of_the_queue_whoever_binds() -> None:
    limited(1)
    for _ in range(2):
        offload.submit(TOPIC)
    waiting(6, queue="single")

    dispatching.sweep()
    for name in (HERE, THERE, OTHER):
        dispatching.refill(name)

    assert hosts() == {"box": 1, "tower": 1}


def test_explain_says_how_many_each_host_has() -> None:
    limited(1)
    *_, last = waiting(3, queue="single")
    dispatching.sweep()

    found = offload.explain(offload.JobHandle(last))
    [gate] = [one for one in found.gates if one.gate == "host"]

    assert found.waiting is Waiting.HOST_LIMIT
    assert gate.fact == "Bound or running, by host: box 1 of 1, tower 1 of 1."
    assert gate.change == "manage.py offload queues set single --max-per-host N"


def test_a_lower_limit_takes_back_what_has_not_begun() -> None:
    queue = limited(None)
    waiting(12, queue="single")
    dispatching.sweep()
    assert hosts() == {"box": 8, "tower": 4}

    assert policies.change(queue, max_per_host=3) == 6

    assert hosts() == {"box": 3, "tower": 3}


def test_the_settings_may_declare_it_and_no_limit_below_one(settings: Any) -> None:
    queues = {"alone": {"topics": ["dam/index"], "max_per_host": 1}}
    settings.OFFLOAD = {**settings.OFFLOAD, "QUEUES": queues}
    declared.sync(remove=False)
    assert declared.difference() == declared.Difference()

    queues["alone"]["max_per_host"] = 0
    with pytest.raises(InvalidQueue, match="1"):
        declared.difference()
