"""Queues with a limit or an order: counted, and bound in their order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offload.core.attempt_key import AttemptKey
from offload.core.retries import Cause, RetryDecision
from offload.core.states import Hold, JobState
from offload.dispatch import dispatching, offering
from offload.fleet.snapshots import snapshot
from offload.models import Exclusion, Queue
from offload.tracking import claiming, finishing, requeue
from offload.tracking.binding import queue_limits
from tests.integration.tracking.binding.narrow import LANE, bind_one, narrow
from tests.integration.world import (
    BROKE,
    HERE,
    THERE,
    TOPIC,
    age,
    join,
    lose,
    place,
    row,
    states,
    waiting,
)  # fmt: skip

AGAIN = RetryDecision(state=JobState.PENDING, delay=30.0, failures=1, crashes=0, reason="again")


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE, concurrency=4)
    join(THERE, concurrency=4)


def test_no_more_than_the_limit_is_bound_on_all_instances_together() -> None:
    narrow(max_parallel=3)
    ids = waiting(9, queue="narrow")

    assert bind_one(HERE) + bind_one(THERE) == ids[:3]
    assert dispatching.sweep() == 0


def test_a_place_is_free_again_once_a_job_of_the_queue_ended() -> None:
    narrow(max_parallel=1)
    ids = waiting(2, queue="narrow")
    dispatching.sweep()
    key = AttemptKey(job_id=ids[0], epoch=1, token="t")
    assert claiming.claim(key) is not None
    assert dispatching.sweep() == 0

    finishing.succeed(key, 1, aftermath=False)

    assert dispatching.sweep() == 1
    assert states(ids) == ["SUCCEEDED", "QUEUED"]


def test_other_queues_do_not_count() -> None:
    narrow(max_parallel=1)
    waiting(2)
    dispatching.sweep()

    assert len(bind_one(THERE)) == 0
    waiting(queue="narrow")
    assert len(bind_one(THERE)) == 1


def test_an_ordered_queue_runs_one_job_at_a_time_in_order() -> None:
    narrow(type="ordered")
    ids = waiting(3, queue="narrow")

    assert bind_one() == ids[:1]
    assert bind_one(THERE) == []


def test_the_head_of_an_ordered_queue_is_found_across_its_topics() -> None:
    narrow(type="ordered")
    first = waiting(queue="narrow", topic="dam/meta")
    second = waiting(queue="narrow")

    assert bind_one() == []
    assert bind_one(lane=replace(LANE, topic="dam/meta")) == first
    assert states(second) == ["PENDING"]


def test_a_head_that_waits_for_its_retry_blocks_those_behind_it() -> None:
    narrow(type="ordered")
    ids = waiting(2, queue="narrow")
    assert bind_one() == ids[:1]
    key = AttemptKey(job_id=ids[0], epoch=1, token="t")
    claiming.claim(key)
    finishing.requeue(key, AGAIN, BROKE, cause=Cause.FAILED)

    assert bind_one() == []

    age(ids[:1], "run_at", seconds=31)
    requeue.release_due()
    assert bind_one() == ids[:1]


@pytest.mark.parametrize("topic", [TOPIC, "dam/meta"])
def test_a_head_that_waits_for_its_retry_is_not_overtaken_by_a_higher_priority(topic: str) -> None:
    narrow(type="ordered")
    ids = waiting(queue="narrow")
    bind_one()
    key = AttemptKey(job_id=ids[0], epoch=1, token="t")
    claiming.claim(key)
    urgent = waiting(queue="narrow", topic=topic, priority=9)
    finishing.requeue(key, AGAIN, BROKE, cause=Cause.FAILED)

    assert bind_one(lane=replace(LANE, topic=topic)) == []
    assert queue_limits.head_of("narrow") == ids[0]

    age(ids, "run_at", seconds=31)
    requeue.release_due()
    assert bind_one(lane=replace(LANE, topic=topic)) == (ids if topic == TOPIC else [])
    if topic != TOPIC:
        assert bind_one() == ids
    assert states(urgent) == ["PENDING"]


def test_a_head_that_crashed_blocks_those_behind_it_until_it_is_bound_again() -> None:
    narrow(type="ordered")
    ids = waiting(2, queue="narrow")
    bind_one()
    claiming.claim(AttemptKey(job_id=ids[0], epoch=1, token="t"))
    lose(ids[0], 1, cause=Cause.CRASHED, error="signal 9")
    assert row(ids[0]).hold == Hold.SUSPECT

    assert bind_one() == []
    assert bind_one(suspect=True) == ids[:1]


def test_a_head_that_was_refused_here_blocks_those_behind_it_here() -> None:
    narrow(type="ordered")
    ids = waiting(2, queue="narrow")
    later = datetime.now(UTC) + timedelta(seconds=60)
    Exclusion.objects.create(
        job=row(ids[0]), incarnation=place(HERE).incarnation, reason="no", until=later
    )

    assert bind_one(HERE) == []
    assert bind_one(THERE) == ids[:1]


def test_a_job_that_waits_for_others_does_not_block_the_queue_they_may_be_in() -> None:
    narrow(type="ordered")
    waiting(queue="narrow", hold=Hold.REPLACED)
    ids = waiting(queue="narrow")

    assert bind_one() == ids


@pytest.mark.parametrize("facts", [{}, {"max_parallel": 2}, {"type": "ordered"}])
def test_nothing_of_a_suspended_queue_is_bound(facts: dict[str, Any]) -> None:
    narrow(suspended=True, **facts)
    ids = waiting(2, queue="narrow")

    assert dispatching.sweep() == 0
    assert offering.offer([LANE]) == 0

    Queue.objects.get(name="narrow").delete()
    Queue.objects.create(name="narrow", topics=["dam/**"])
    snapshot(fresh=True)
    assert dispatching.sweep() == 2
    assert states(ids) == ["QUEUED", "QUEUED"]
