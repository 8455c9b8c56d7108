"""Queues for the leader alone: their jobs run at one instance at a time, and move with it."""

from __future__ import annotations

from typing import Any

import pytest

import offload
from offload.core.placement.reasons import Obstacle
from offload.diagnostics.lint import problems
from offload.dispatch import dispatching
from offload.fleet import leadership
from offload.fleet.snapshots import snapshot
from offload.models import Job, Queue
from offload.queues import declared, policies
from offload.rules import enforcement
from offload.tracking import claiming, finishing
from offload.tracking.queries import waiting_lanes
from tests.integration.world import HERE, THERE, TOPIC, Broker, join, key_of, states, waiting

QUEUE = "single"


@pytest.fixture
def boots(broker: Broker) -> dict[str, str]:
    """Let two instances be here, the first of which leads; return their incarnations."""
    found = {HERE: join(HERE), THERE: join(THERE)}
    assert leadership.acquire(HERE, found[HERE])
    policies.add(QUEUE, [TOPIC], leader_only=True)
    snapshot(fresh=True)
    return found


def hand_over(boots: dict[str, str]) -> leadership.Term:
    """Let the other instance lead; return its term."""
    leadership.resign(boots[HERE])
    term = leadership.acquire(THERE, boots[THERE])
    assert term is not None
    snapshot(fresh=True)
    return term


def bind_all() -> dict[str, str]:
    """Bind what waits anywhere; return the instances of bound jobs by id."""
    dispatching.sweep()
    return dict(Job.objects.bound().values_list("pk", "instance"))


@pytest.mark.usefixtures("boots")
def test_jobs_are_bound_to_the_leader_alone_and_the_others_say_why() -> None:
    assert offload.submit(TOPIC).row.instance == HERE
    found = {one.instance: one for one in offload.explain(TOPIC).verdicts}
    reason = found[THERE].reason
    assert reason is not None
    assert (found[HERE].can_run, reason.obstacle) == (True, Obstacle.NOT_LEADER)

    waiting(8, queue=QUEUE)

    assert set(bind_all().values()) == {HERE}
    assert dispatching.refill(THERE) == 0


def test_a_new_leader_begins_nothing_while_a_former_one_runs_a_job(boots: dict[str, str]) -> None:
    first, second = waiting(2, queue=QUEUE)
    bound = dispatching.bind_at(HERE, waiting_lanes(), snapshot())
    [mine] = [one for one in bound if one.id == first]
    [other] = [one for one in bound if one.id == second]
    key = key_of(mine)
    assert claiming.claim(key) is not None

    term = hand_over(boots)
    assert policies.limit(term) == 1

    # What had not begun is refused where nobody leads any more (R1), and waits for the former one.
    assert claiming.claim(key_of(other)) is None
    assert states([first, second]) == ["ACTIVE", "PENDING"]
    assert bind_all() == {first: HERE}
    found = offload.explain(offload.JobHandle(second))
    assert "It waits for former leaders: 1 job of its queue" in found.sentence
    [gate] = [one for one in found.gates if one.gate == "leader"]
    assert (gate.is_open, gate.used) == (False, 1)

    finishing.succeed(key, None, aftermath=False)
    assert bind_all() == {second: THERE}


def test_a_former_leader_gives_back_what_it_has_not_begun(boots: dict[str, str]) -> None:
    waiting(2, queue=QUEUE)
    assert set(bind_all().values()) == {HERE}

    hand_over(boots)
    enforcement.give_back_forbidden(HERE, snapshot())

    assert set(bind_all().values()) == {THERE}


def test_a_binding_decided_under_the_former_leader_binds_nothing(boots: dict[str, str]) -> None:
    waiting(1, queue=QUEUE)
    before, lanes = snapshot(), waiting_lanes()

    leadership.resign(boots[HERE])
    leadership.acquire(THERE, boots[THERE])

    assert dispatching.bind_at(HERE, lanes, before) == []


def test_a_queue_that_becomes_one_for_the_leader_takes_the_others_jobs_back(
    boots: dict[str, str],
) -> None:
    queue = policies.find(QUEUE)
    policies.change(queue, leader_only=False)
    waiting(8, queue=QUEUE)
    assert set(bind_all().values()) == {HERE, THERE}

    assert policies.change(queue, leader_only=True) == 4

    assert set(bind_all().values()) == {HERE}
    assert Job.objects.bound().count() == 4


@pytest.mark.usefixtures("boots")
def test_the_settings_may_declare_it(settings: Any) -> None:
    queues = {"alone": {"topics": ["dam/index"], "leader_only": True}}
    settings.OFFLOAD = {**settings.OFFLOAD, "QUEUES": queues}
    declared.sync(remove=False)

    assert declared.difference() == declared.Difference()
    assert Queue.objects.get(name="alone").leader_only


@pytest.mark.usefixtures("boots")
def test_an_instance_that_could_not_run_it_is_noted() -> None:
    join("plain@host", consumers=[{"pattern": "other", "task": "other"}])

    [noted] = [one for one in problems() if one.kind == "leader_unable"]

    assert "plain@host" in noted.fact
    assert HERE not in noted.fact
