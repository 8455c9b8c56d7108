"""Resources: counted over all queues and instances, whoever binds."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from offload.core.attempt_key import AttemptKey
from offload.core.matching.amounts import Amounts
from offload.core.retries import Cause
from offload.dispatch import dispatching
from offload.fleet.snapshots import now, snapshot
from offload.models import Job, Queue, Resource, ResourceUser
from offload.queues import policies, resources
from offload.tracking import claiming
from tests.databases import on_postgresql
from tests.integration.beside import together
from tests.integration.tracking.binding.narrow import end
from tests.integration.world import HERE, THERE, join, lose, row, states, waiting

MAYA = Amounts.of({"maya": 1})


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE, concurrency=16)
    join(THERE, concurrency=16)


def define(capacity: int = 2, name: str = "maya", **fields: Any) -> None:
    resources.set_(name, capacity=capacity, **fields)


def bound() -> set[str]:
    return set(Job.objects.bound().values_list("pk", flat=True))


def begin(job_id: str) -> AttemptKey:
    key = AttemptKey(job_id=job_id, epoch=row(job_id).epoch, token="t")
    assert claiming.claim(key) is not None
    return key


def test_no_more_than_there_is_may_be_bound_on_all_instances_together() -> None:
    define(3)
    ids = waiting(5, resources=MAYA)

    assert dispatching.refill(HERE) + dispatching.refill(THERE) == 3
    assert bound() == set(ids[:3])

    end(ids[0])
    assert dispatching.sweep() == 1
    assert states(ids) == ["SUCCEEDED", *["QUEUED"] * 3, "PENDING"]


def test_jobs_use_it_by_their_own_word_their_queue_and_their_consumer() -> None:
    define(4)
    define(1, "nuke")
    join("own@host", consumers=[{"pattern": "own", "task": "own", "resources": {"maya": 2}}])
    policies.add("narrow", ["dam/**"], resources={"maya": 1, "nuke": 1})
    by_consumer = waiting(3, topic="own", resources=MAYA)
    dispatching.sweep()
    assert bound() == set(by_consumer[:2])

    waiting(2, queue="narrow")
    for one in by_consumer[:2]:
        end(one)
    dispatching.sweep()

    # Two of the third by its consumer, one and the only nuke of the first of the queue.
    used = {name: use.used for name, use in resources.uses().items()}
    assert used == {"maya": 3, "nuke": 1}


@pytest.mark.parametrize(
    ("facts", "allowed"),
    [
        ({"max_parallel": 3}, 2),
        ({"max_parallel": 1}, 1),
        ({"type": "ordered"}, 1),
        ({"key": "tenant", "fair": True}, 2),
        ({"rate": "1/d"}, 1),
    ],
)
def test_a_job_of_a_limited_queue_needs_both(facts: dict[str, Any], allowed: int) -> None:
    define(2)
    policies.add("narrow", ["dam/**"], **facts)
    waiting(5, queue="narrow", resources=MAYA)

    dispatching.sweep()

    assert len(bound()) == allowed


def test_what_is_counted_per_host_is_taken_once_and_hosts_that_hold_it_go_first() -> None:
    define(1, per="host")
    ids = waiting(20, resources=MAYA)

    assert dispatching.refill(HERE) == 20
    assert dispatching.refill(THERE) == 0
    for one in ids[:10]:
        end(one)
    resources.set_("maya", capacity=2)
    more = waiting(20, resources=MAYA)
    assert dispatching.refill(THERE) == 0, "the other host has idle processes"
    assert dispatching.refill(HERE) == 20
    waiting(1, resources=MAYA)
    for one in more[:5]:
        end(one)
    assert dispatching.refill(THERE) == 1, "25 jobs are there, for 16 processes"


def test_a_lower_capacity_takes_back_what_has_not_begun() -> None:
    define(4)
    ids = waiting(6, resources=MAYA)
    dispatching.refill(HERE)
    begin(ids[0])

    _, recalled = resources.set_("maya", capacity=2)

    assert recalled == 2
    assert bound() == {*ids[:2]}
    assert resources.set_("maya", capacity=0)[1] == 1
    assert bound() == {ids[0]}
    assert dispatching.sweep() == 0


def test_a_lost_job_uses_nothing_until_it_is_bound_again() -> None:
    define(1)
    [job_id] = waiting(resources=MAYA)
    dispatching.refill(HERE)
    begin(job_id)

    lose(job_id, 1, cause=Cause.LOST, error="gone")

    assert resources.uses()["maya"].used == 0
    assert dispatching.sweep() == 1
    assert ResourceUser.objects.get().epoch == row(job_id).epoch == 2


def test_nothing_begins_while_it_cools_down_and_what_has_not_begun_is_taken_back() -> None:
    define(3)
    ids = waiting(2, resources=MAYA)
    dispatching.refill(HERE)
    begin(ids[0])

    _, recalled = resources.cool("maya", 60, by="ada")

    assert (recalled, bound()) == (1, {ids[0]})
    assert dispatching.sweep() == 0
    resources.cool("maya", 5, by="bob")
    until = Resource.objects.get().cools_until
    assert until is not None
    assert until > now() + timedelta(seconds=50)
    assert resources.clear("maya")[1] is True
    assert dispatching.sweep() == 1


@pytest.mark.parametrize(("stale", "allowed"), [("open", 4), ("closed", 0)])
def test_a_report_lowers_what_there_is_until_it_is_old(stale: str, allowed: int) -> None:
    define(4, report_age=60.0, stale=stale)
    waiting(6, resources=MAYA)
    resources.report("maya", 2)
    dispatching.refill(HERE)
    assert len(bound()) == 2

    Resource.objects.update(reported_at=now() - timedelta(seconds=61))
    dispatching.refill(HERE)
    for name in resources.exceeded():
        resources.enforce(name)

    assert len(bound()) == allowed


def test_jobs_wait_for_what_nobody_has_defined() -> None:
    define()
    ids = waiting(resources=Amounts.of({"maya": 1, "nuke": 1}))
    assert dispatching.sweep() == 0

    define(1, "nuke")
    assert dispatching.sweep() == 1
    resources.remove(["nuke"])
    assert states(ids) == ["PENDING"]


def test_a_queue_that_begins_to_use_a_resource_counts_what_runs() -> None:
    define(2)
    policies.add("narrow", ["dam/**"])
    ids = waiting(4, queue="narrow")
    dispatching.refill(HERE)
    begin(ids[0])

    policies.change(Queue.objects.get(), resources={"maya": 1})

    assert bound() == {*ids[:2]}
    assert resources.uses()["maya"].used == 2


def test_jobs_of_higher_priority_get_it_first_across_topics() -> None:
    define(1)
    waiting(resources=MAYA)
    urgent = waiting(topic="dam/meta", resources=MAYA, priority=5)

    assert dispatching.refill(HERE) == 1

    assert bound() == set(urgent)


@on_postgresql
def test_eight_that_bind_at_once_exceed_neither_resources_nor_limits_and_never_deadlock() -> None:
    define(3)
    define(2, "nuke")
    policies.add("narrow", ["dam/rendition/*"], max_parallel=4, resources={"nuke": 1})
    for amounts in (MAYA, Amounts.of({"maya": 1, "nuke": 1}), Amounts.of({"maya": 2})):
        waiting(8, resources=amounts)
        waiting(8, resources=amounts, queue="narrow")
        waiting(8, resources=amounts, topic="dam/meta")
    snapshot(fresh=True)
    seen = 0

    for _ in range(6):
        together([partial(dispatching.refill, name) for name in [HERE, THERE] * 4])
        uses = resources.uses()
        assert uses["maya"].used <= 3
        assert uses["nuke"].used <= 2
        assert Job.objects.bound().filter(queue="narrow").count() <= 4
        seen += len(bound())
        for job_id in bound():
            end(job_id)

    assert seen >= 12


@on_postgresql
def test_a_capacity_that_is_lowered_while_eight_bind_is_not_exceeded() -> None:
    define(6)
    waiting(60, resources=MAYA)
    snapshot(fresh=True)

    for capacity in (5, 3, 6, 1, 2):
        lower = partial(resources.set_, "maya", capacity=capacity)
        together([*[partial(dispatching.refill, name) for name in [HERE, THERE] * 4], lower])
        assert resources.uses()["maya"].used <= capacity
        for job_id in list(bound())[:2]:
            end(job_id)
