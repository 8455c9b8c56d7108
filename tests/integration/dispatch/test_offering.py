"""Offering new jobs: lanes with one way to go are bound together, others one by one."""

from __future__ import annotations

from collections import Counter

from offload.core.placement.lanes import Lane
from offload.dispatch import offering
from offload.dispatch.full_lanes import full_lanes
from offload.models import Job
from tests.integration.world import HERE, TOPIC, join, statements, waiting

OTHERS = ("dam/rendition/print", "dam/rendition/poster")


def lanes() -> list[Lane]:
    """Return the lanes of all jobs, three of which wait in each."""
    for topic in (TOPIC, *OTHERS):
        waiting(3, topic=topic)
    return [Lane.parse(one) for one in sorted({job.lane for job in Job.objects.all()})]


def bindings(sent: list[str]) -> int:
    """Return how often jobs were bound, or were to be."""
    return sum("epoch = epoch + 1" in one for one in sent)


def test_lanes_that_one_instance_can_take_are_bound_together() -> None:
    join(concurrency=20)
    found = lanes()

    with statements() as sent:
        assert offering.offer(found) == 9

    assert bindings(sent) == 1
    assert {job.instance for job in Job.objects.all()} == {HERE}


def test_a_full_instance_is_asked_twice_for_all_lanes_and_then_left_alone() -> None:
    join(concurrency=1)
    found = lanes()
    assert offering.offer(found) == 1

    with statements() as sent:
        assert offering.offer(found) == 0

    assert bindings(sent) == 2
    assert all(full_lanes.has(lane) for lane in found)


def test_lanes_for_which_there_is_a_choice_are_spread_by_the_load() -> None:
    for name in ("one@here", "other@here"):
        join(name, concurrency=20)

    with statements() as sent:
        assert offering.offer(lanes()) == 9

    assert bindings(sent) == 3
    assert sorted(Counter(job.instance for job in Job.objects.all()).values()) == [3, 6]
