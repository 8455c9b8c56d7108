"""Messages that were lost are sent again, ever more seldom, and not while the broker is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.core.placement.topology import Mode
from offload.dispatch import dispatching, republishing
from offload.fleet import membership
from offload.fleet.snapshots import snapshot
from offload.messaging.installation import current_installation
from offload.models import Job
from tests.integration.world import (
    HERE,
    TOPIC,
    Broker,
    age,
    bound,
    join,
    place,
    row,
    running,
    waiting,
)  # fmt: skip

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


#: Seconds since the binding, times sent again, and whether it is due now.
#: Seconds since the binding, messages sent again so far, and whether another is due.
TIMES = [(70, 0, False), (130, 0, True), (270, 1, False), (330, 1, True), (3070, 4, False),
         (3130, 4, True)]  # fmt: skip


@pytest.mark.parametrize(("seconds", "times", "due"), TIMES)
def test_a_lost_message_is_sent_again_after_its_time_then_after_twice_as_long(
    seconds: int, times: int, due: bool, broker: Broker, settings: Settings
) -> None:
    settings.OFFLOAD = {**settings.OFFLOAD, "REPUBLISH": 100}
    job = bound()[0]
    Job.objects.update(publishes=times)
    age([job.id], "bound_at", seconds=seconds)

    sent = republishing.send_again(HERE, place().incarnation, held=())

    assert sent == int(due)
    assert [(one["id"], one["epoch"]) for one in broker.sent_to()] == [(job.id, 1)] * due
    assert row(job.id).publishes == times + due


def test_after_the_fifth_time_a_job_is_recalled() -> None:
    job = bound()[0]
    Job.objects.update(publishes=5)
    age([job.id], "bound_at", seconds=62)
    assert republishing.send_again(HERE, place().incarnation, held=()) == 0
    assert row(job.id).state == "QUEUED"
    age([job.id], "bound_at", seconds=2)

    assert republishing.send_again(HERE, place().incarnation, held=()) == 0

    assert row(job.id).state == "PENDING"


def test_a_message_that_is_held_is_not_sent_again() -> None:
    job = bound()[0]
    age([job.id], "bound_at", seconds=6)

    assert republishing.send_again(HERE, place().incarnation, held={(job.id, 1)}) == 0
    assert republishing.send_again(HERE, place().incarnation, held={(job.id, 0)}) == 1


def test_what_runs_is_not_sent_again() -> None:
    run = running()
    age([run.id], "bound_at", seconds=60)

    assert republishing.send_again(HERE, place().incarnation, held=()) == 0


def test_a_broker_that_is_away_does_not_reach_the_caller(app: object, broker: Broker) -> None:
    job = bound()[0]
    age([job.id], "bound_at", seconds=6)
    current_installation.to_broker.trip()

    assert republishing.send_again(HERE, place().incarnation, held=()) == 0
    assert broker.sent_to() == []
    assert row(job.id).publishes == 0


def test_what_a_broker_that_is_away_is_to_be_sent_is_sent_once_it_is_back(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = bound()[0]
    Job.objects.update(publishes=4)
    age([job.id], "bound_at", seconds=1000)

    def fail(_: object) -> dict[str, Exception]:
        current_installation.to_broker.trip()
        return {}

    with monkeypatch.context() as outage:
        outage.setattr("offload.dispatch.publishing.publish", fail)
        assert republishing.send_again(HERE, place().incarnation, held=()) == 0
    assert row(job.id).publishes == 4

    current_installation.to_broker.close()
    assert republishing.send_again(HERE, place().incarnation, held=()) == 1
    assert [one["id"] for one in broker.sent_to()] == [job.id]


def test_a_suspect_instance_is_not_given_what_it_is_not_ready_for() -> None:
    membership.set_mode(HERE, place().incarnation, Mode.SUSPECT)
    waiting(topic=TOPIC)
    snapshot(fresh=True)

    assert dispatching.sweep() == 0
