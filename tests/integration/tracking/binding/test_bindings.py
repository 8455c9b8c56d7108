"""Binding: PENDING → QUEUED within a window, the most urgent first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from offload.core.placement.lanes import Lane
from offload.core.retries import Cause
from offload.core.states import Hold, JobState
from offload.db import database
from offload.models import Job, Slot
from offload.models.versions import raise_version
from offload.tracking import requeue
from offload.tracking.binding.bindings import bind
from offload.tracking.queries import waiting_lanes
from offload.tracking.selectors import these
from tests.databases import on_postgresql
from tests.integration.beside import together
from tests.integration.tracking.binding.excluded import exclude
from tests.integration.world import (
    HERE,
    LANE,
    THERE,
    Told,
    age,
    bound,
    join,
    place,
    running,
    states,
    waiting,
)


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join(concurrency=2)


def test_a_bound_job_carries_what_its_message_needs(changes: list[Told]) -> None:
    job_id = waiting(args=[1], properties={"w": 2}, options={"shadow": "s"}, root_id="r")[0]

    (job,) = bind(place(), [LANE], limit=9)

    assert (job.id, job.epoch, job.instance) == (job_id, 1, HERE)
    assert (job.args, job.properties, job.options) == ([1], {"w": 2}, {"shadow": "s"})
    assert (job.incarnation, job.root_id) == (place().incarnation, "r")
    assert changes == [Told(job_id, "PENDING", "QUEUED", 1)]


def test_no_more_is_bound_than_the_window_holds() -> None:
    running()
    waiting(9)

    found = bind(place(), [LANE], limit=9)

    assert len(found) == 3
    assert Job.objects.bound().count() == place().window == 4
    assert bind(place(), [LANE], limit=9) == []


def test_no_more_is_bound_than_was_asked_for() -> None:
    waiting(3)

    assert len(bind(place(), [LANE], limit=2)) == 2
    assert bind(place(), [LANE], limit=0) == []
    assert bind(place(), [], limit=1) == []


def test_priority_goes_first_and_then_the_order_of_submission_across_lanes() -> None:
    first, other, second = waiting(), waiting(topic="dam/meta"), waiting()
    urgent = waiting(topic="dam/meta", priority=5)
    lanes = [LANE, Lane(topic="dam/meta")]

    found = bind(place(), lanes, limit=4)

    assert [job.id for job in found] == [*urgent, *first, *other, *second]


def test_what_is_left_waits_for_the_next_binding_in_the_same_order() -> None:
    ids = waiting(4)

    assert [job.id for job in bind(place(), [LANE], limit=3)] == ids[:3]
    assert [job.id for job in bind(place(), [LANE], limit=3)] == ids[3:]


def test_only_the_lanes_asked_for_are_bound() -> None:
    waiting(topic="dam/meta")

    assert bind(place(), [LANE], limit=9) == []


@pytest.mark.parametrize("hold", [Hold.DEPENDENCY, Hold.REPLACED, Hold.RELAY])
def test_a_job_that_is_held_is_not_bound(hold: Hold) -> None:
    waiting(hold=hold)

    assert bind(place(), [LANE], limit=9) == []
    assert waiting_lanes() == []


def test_a_job_is_not_bound_before_its_time_and_is_after() -> None:
    ids = waiting(delay=60)
    requeue.release_due()
    assert bind(place(), [LANE], limit=9) == []
    assert waiting_lanes() == []

    age(ids, "run_at", seconds=61)

    assert requeue.release_due() == 1
    assert [job.id for job in bind(place(), [LANE], limit=9)] == ids


def test_a_job_is_not_bound_to_the_incarnation_that_refused_it_for_a_while() -> None:
    ids = waiting(2)
    exclude(ids[0], place().incarnation, seconds=60)

    assert [job.id for job in bind(place(), [LANE], limit=1)] == ids[1:]

    join(THERE)
    assert [job.id for job in bind(place(THERE), [LANE], limit=1)] == ids[:1]


def test_an_exclusion_ends() -> None:
    ids = waiting()
    exclude(ids[0], place().incarnation, seconds=-1)

    assert len(bind(place(), [LANE], limit=1)) == 1


def test_nothing_is_bound_once_the_topology_moved_on() -> None:
    waiting()
    chosen = place()
    raise_version()

    assert bind(chosen, [LANE], limit=9) == []
    assert len(bind(replace(chosen, version=chosen.version + 1), [LANE], limit=9)) == 1


def test_each_binding_raises_the_epoch() -> None:
    job = bound()[0]
    requeue.recall(these([job.id]), cause=Cause.REQUEUED)

    (again,) = bind(place(), [LANE], limit=1)

    assert (job.epoch, again.epoch) == (1, 2)


@on_postgresql
def test_the_window_holds_with_many_that_bind_at_once() -> None:
    join(THERE, concurrency=3)
    waiting(60)
    here, there = place(), place(THERE)

    for _ in range(5):
        found = together(
            [lambda: bind(here, [LANE], limit=3)] * 4 + [lambda: bind(there, [LANE], limit=3)] * 4
        )
        ids = [job.id for jobs in found for job in jobs]
        assert len(ids) == len(set(ids))

    assert Job.objects.bound().filter(instance=HERE).count() == here.window == 4
    assert Job.objects.bound().filter(instance=THERE).count() == there.window == 6


@on_postgresql
def test_nobody_waits_for_another_who_binds_to_the_same_instance() -> None:
    waiting()
    chosen = place()

    with database.atomic():
        Slot.objects.select_for_update().get(pk=HERE)
        assert together([lambda: bind(chosen, [LANE], limit=1)]) == [[]]

    assert states([job.id for job in bind(chosen, [LANE], limit=1)]) == [JobState.QUEUED]
