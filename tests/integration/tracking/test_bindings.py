"""Binding: PENDING → QUEUED within a window, the most urgent first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offload.core.placement.lanes import Lane
from offload.core.placement.topology import Mode
from offload.core.retries import Cause
from offload.core.states import Hold, JobState
from offload.db import database
from offload.dispatch import dispatching
from offload.fleet.snapshots import snapshot
from offload.models import Exclusion, Job, Queue, Slot
from offload.models.versions import raise_version
from offload.tracking import claiming, requeue, runs
from offload.tracking.bindings import bind
from offload.tracking.queries import waiting_lanes
from offload.tracking.selectors import these
from tests.databases import on_postgresql
from tests.integration.world import (
    HERE,
    LANE,
    THERE,
    TOPIC,
    Broker,
    Told,
    age,
    bound,
    join,
    key_of,
    lose,
    place,
    row,
    running,
    statements,
    states,
    together,
    waiting,
)  # fmt: skip


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
    _exclude(ids[0], place().incarnation, seconds=60)

    assert [job.id for job in bind(place(), [LANE], limit=1)] == ids[1:]

    join(THERE)
    assert [job.id for job in bind(place(THERE), [LANE], limit=1)] == ids[:1]


def test_an_exclusion_ends() -> None:
    ids = waiting()
    _exclude(ids[0], place().incarnation, seconds=-1)

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


def test_suspects_of_a_crash_are_bound_one_at_a_time() -> None:
    crashed = [running(), running()]
    for run in crashed:
        lose(run.id, 1, cause=Cause.CRASHED, error="signal 11")
    assert bind(place(), [LANE], limit=9) == []

    (first,) = bind(place(), [LANE], limit=9, suspect=True)

    assert first.id == crashed[0].id
    assert bind(place(), [LANE], limit=9, suspect=True) == []
    join(THERE)
    assert [one.id for one in bind(place(THERE), [LANE], limit=9, suspect=True)] == [crashed[1].id]


def test_the_next_suspect_follows_once_the_one_before_ended() -> None:
    for run in [running(), running()]:
        lose(run.id, 1, cause=Cause.CRASHED, error="signal 11")
    (first,) = bind(place(), [LANE], limit=9, suspect=True)
    key = key_of(first)
    claiming.claim(key)
    assert dispatching.refill(HERE) == 0

    runs.succeed(key, None, aftermath=False)

    assert dispatching.refill(HERE) == 1


UNBINDABLE = {
    "its queue is suspended": {"suspended": True},
    "its queue is full": {"max_parallel": 1},
    "it was refused here": {},
}


@pytest.mark.parametrize("facts", UNBINDABLE.values(), ids=UNBINDABLE)
def test_a_suspect_that_cannot_be_bound_keeps_no_other_back(facts: dict[str, Any]) -> None:
    blocked, free = running(queue="aaa"), running()
    for run in (blocked, free):
        lose(run.id, 1, cause=Cause.CRASHED, error="signal 11")
    if facts:
        join(THERE)
        bound(name=THERE, queue="aaa")
        Queue.objects.create(name="aaa", topics=["a/**"], **facts)
    else:
        _exclude(blocked.id, place().incarnation, seconds=60)
    snapshot(fresh=True)

    assert dispatching.refill(HERE) == 1
    assert states([blocked.id, free.id]) == ["PENDING", "QUEUED"]


def test_a_suspect_is_not_kept_back_by_a_backlog_that_fills_the_window() -> None:
    run = running()
    lose(run.id, 1, cause=Cause.CRASHED, error="signal 11")
    waiting(20)

    dispatching.refill(HERE)

    assert run.row.state == "QUEUED"


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


def _exclude(job_id: str, incarnation: str, *, seconds: int) -> None:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    Exclusion.objects.create(job=row(job_id), incarnation=incarnation, reason="no", until=until)
