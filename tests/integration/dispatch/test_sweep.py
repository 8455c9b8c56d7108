"""The sweep and an instance's refill bind what waits, in few questions."""

from __future__ import annotations

import pytest

from offload.core.placement.lanes import Lane
from offload.core.placement.topology import Mode
from offload.dispatch import dispatching
from offload.tracking.queries import waiting_lanes
from tests.integration.world import (
    HERE,
    LANE,
    THERE,
    TOPIC,
    Broker,
    age,
    bound,
    join,
    statements,
    states,
    waiting,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join(concurrency=2)


def test_the_lanes_in_which_jobs_wait_are_found_the_first_job_first() -> None:
    first = waiting(3)
    age(first, "created_at", seconds=60)
    waiting(topic="dam/meta"), bound(topic="dam/video"), waiting(queue="slow", priority=1)

    assert waiting_lanes() == [
        Lane(queue="slow", topic=TOPIC),
        LANE,
        Lane(topic="dam/meta"),
    ]


def test_a_refill_takes_what_the_instance_may_run_and_sends_it(broker: Broker) -> None:
    ids = waiting(2)
    foreign = waiting(topic="billing/invoice")

    assert dispatching.refill(HERE) == 2

    assert states(ids + foreign) == ["QUEUED", "QUEUED", "PENDING"]
    assert [sent["id"] for sent in broker.sent_to()] == ids


@pytest.mark.parametrize("mode", [Mode.STARTING, Mode.DRAINING, Mode.RECONNECTING, Mode.SUSPECT])
def test_an_instance_that_is_not_ready_is_given_nothing(mode: Mode) -> None:
    join(THERE, mode=mode)
    waiting()

    assert dispatching.refill(THERE) == 0


def test_the_sweep_binds_what_waits_to_all_that_can_run_it() -> None:
    join(THERE)
    waiting(20)

    assert dispatching.sweep() == 8
    assert dispatching.sweep() == 0


def test_the_sweep_asks_one_question_per_kind_of_waiting_where_nothing_waits() -> None:
    with statements() as found:
        dispatching.sweep()

    assert len(found) == 2
