from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.placement.judgement import Need
from offload.core.placement.reasons import Obstacle
from offload.core.placement.routing import Loads, Plan, Route, Unroutable, plan, route
from offload.core.placement.topology import InstanceInfo, Mode, RuleVerb, Topology
from offload.core.states import Waiting
from tests.unit.core.placement.fleet import (
    NAMES,
    NOW,
    consumer,
    instance,
    rule,
    topology,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

TOPIC = "dam/rendition/web"
NEED = Need(topic=TOPIC)
TRIO = topology(instance("a@x"), instance("b@x"), instance("c@x"))


def routed(load: Mapping[str, int], picture: Topology = TRIO, **asked: Any) -> Route:
    decision = route(Need(topic=TOPIC, **asked), picture, load, now=NOW)
    assert isinstance(decision, Route)
    return decision


def unroutable(*fleet: InstanceInfo, load: dict[str, int] | None = None) -> Unroutable:
    decision = route(NEED, topology(*fleet), load or {}, now=NOW)
    assert isinstance(decision, Unroutable)
    return decision


def test_a_route_names_instance_task_queue_and_reasons() -> None:
    one = instance("gpu@x", consumers=(consumer("dam/**", "dam.render"),), queue="offload.gpu")

    decision = routed({"gpu@x": 1}, topology(one))

    assert (decision.instance, decision.task, decision.queue) == (
        "gpu@x",
        "dam.render",
        "offload.gpu",
    )
    assert decision.candidates == ("gpu@x",)
    assert decision.reasons == (
        "gpu@x consumes dam/** by dam.render.",
        "It is on, and its rules allow the topic.",
        "It is ready.",
        "It holds 1 of 4 jobs.",
        "It comes first of 1 with room: the greatest share of it is free.",
    )


def test_the_task_is_the_one_that_the_chosen_instance_announced() -> None:
    old = instance("a@x", consumers=(consumer("**", "old.name"),))
    new = instance("b@x", consumers=(consumer("**", "new.name"),))

    assert routed({"a@x": 3}, topology(old, new)).task == "new.name"
    assert routed({"b@x": 3}, topology(old, new)).task == "old.name"


def test_the_least_loaded_comes_first_and_the_full_not_at_all() -> None:
    assert routed({"a@x": 2, "b@x": 4, "c@x": 1}).candidates == ("c@x", "a@x")


def test_load_is_measured_by_the_window() -> None:
    small, large = instance("a@x", window=2), instance("b@x", window=100)

    # 1 of 2 is half full, 30 of 100 is not.
    assert routed({"a@x": 1, "b@x": 30}, topology(small, large)).instance == "b@x"


def test_equals_take_turns_in_the_order_of_their_names() -> None:
    picture = topology(instance("c@x"), instance("a@x"), instance("b@x"))

    loads, chosen = Loads({}), []
    for _ in range(4):
        chosen.append(routed(loads, picture).instance)
        loads = loads.plus(chosen[-1], 1)

    assert chosen == ["a@x", "b@x", "c@x", "a@x"]


def test_the_named_one_comes_first_while_it_has_room() -> None:
    preferring: dict[str, Any] = {"first": "b@x"}

    assert routed({"b@x": 3}, **preferring).candidates == ("b@x", "a@x", "c@x")
    assert "it is named" in routed({"b@x": 3}, **preferring).reasons[-1]
    assert routed({"b@x": 4}, **preferring).candidates == ("a@x", "c@x")
    assert routed({}, first="unknown@x").candidates == ("a@x", "b@x", "c@x")


def test_who_refused_the_job_is_not_asked_again() -> None:
    refused = frozenset({"first boot of a@x"})

    assert routed({}, excluded=refused).candidates == ("b@x", "c@x")


def test_needs_lead_past_pools_that_cannot_serve_them() -> None:
    solo = instance("a@x", can_limit=False, can_kill=False)
    picture = topology(solo, instance("b@x"))

    assert routed({}, picture).instance == "a@x"
    assert routed({}, picture, limit=True).candidates == ("b@x",)
    assert routed({}, picture, kill=True).candidates == ("b@x",)


def test_obstacles_are_told_in_the_order_of_the_steps() -> None:
    dead = {"mode": Mode.GONE, "window": 0}
    fleet = (
        instance("a@x", consumers=(), is_off=True, **dead),
        instance("b@x", is_off=True, **dead),
        instance("c@x", **dead),
        instance("d@x", window=0),
    )

    told = [each.reason.obstacle for each in unroutable(*fleet).verdicts if each.reason]

    assert told == [Obstacle.NO_CONSUMER, Obstacle.OFF, Obstacle.GONE, Obstacle.WINDOW_FULL]


@pytest.mark.parametrize(
    ("fleet", "infeasible", "reason"),
    [
        ((), True, f"No instance is known that could run {TOPIC}. Start a worker."),
        (
            (instance(consumers=()),),
            True,
            f"No instance has a consumer for {TOPIC}. Start one that has.",
        ),
        (
            (instance("a@x", consumers=()), instance("b@x", mode=Mode.GONE)),
            False,
            f"No instance can run {TOPIC} now: no consumer (1), gone (1).",
        ),
        (
            (
                instance("a@x", is_off=True),
                instance("b@x", mode=Mode.SUSPECT),
                instance("c@x", is_off=True),
            ),
            False,
            f"No instance can run {TOPIC} now: off (2), suspect (1).",
        ),
    ],
)
def test_an_unroutable_job_says_in_one_sentence_why(
    fleet: tuple[InstanceInfo, ...], infeasible: bool, reason: str
) -> None:
    decision = unroutable(*fleet)

    assert (decision.infeasible, decision.reason) == (infeasible, reason)
    assert decision.waiting is Waiting.UNASSIGNED


def test_a_job_waits_for_room_where_somebody_may_run_it() -> None:
    decision = unroutable(instance("a@x"), instance("b@x", is_off=True), load={"a@x": 4})

    assert decision.waiting is Waiting.WINDOW_FULL
    assert decision.obstacles == {Obstacle.WINDOW_FULL: 1, Obstacle.OFF: 1}


def test_a_plan_is_made_once_per_need_and_topology() -> None:
    first = plan(NEED, TRIO, NOW)

    assert plan(Need(topic=TOPIC), TRIO, NOW + timedelta(days=1)) is first
    assert plan(Need(topic="other"), TRIO, NOW) is not first
    assert plan(NEED, topology(*TRIO.instances, version=2), NOW) is not first


def test_a_plan_ends_with_the_next_rule_that_ends() -> None:
    soon, later = NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)
    picture = topology(
        instance(),
        rules=(rule(RuleVerb.DENY, until=soon), rule(RuleVerb.DENY, "mail", until=later)),
    )

    def able(moment: datetime) -> tuple[int, datetime | None]:
        made: Plan = plan(NEED, picture, moment)
        return len(made.candidates), made.until

    assert able(NOW) == (0, soon)
    assert able(soon) == (1, later)
    assert able(later) == (1, None)
    assert able(NOW) == (0, soon)


def test_a_fleet_of_equals_is_filled_evenly() -> None:
    load = dict.fromkeys(NAMES, 0)
    picture = topology(*(instance(name, window=5) for name in NAMES))
    for _ in range(20):
        load[routed(load, picture).instance] += 1

    assert Counter(load.values()) == {5: 4}
    assert isinstance(route(NEED, picture, load, now=NOW), Unroutable)


def test_a_closed_window_is_told_with_what_is_held() -> None:
    decision = unroutable(instance("a@x", window=0), load={"a@x": 2})

    assert str(decision.verdicts[0].reason) == "a@x holds 2 jobs, its window is 0."
