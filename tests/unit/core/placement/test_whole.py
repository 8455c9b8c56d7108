"""Another cluster for all of a run: where each step can be done by some instance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from offload.core.matching.requirements import Requirements
from offload.core.placement.affinity import Affinity
from offload.core.placement.judgement import Need
from offload.core.placement.lanes import Lane
from offload.core.placement.reasons import Obstacle
from offload.core.placement.routing import Route, Unroutable, route
from offload.core.placement.topology import InstanceInfo, RuleVerb, Topology
from offload.core.placement.whole import chosen, whole
from offload.core.topics import RUN_TOPIC, Pattern
from tests.unit.core.placement.fleet import NOW, consumer, instance, rule, topology

NEEDS = [Need(topic=RUN_TOPIC), Need(topic="a"), Need(topic="b")]
BEGINS, ANY = consumer(RUN_TOPIC, task="offload.run"), (Pattern.parse("**"),)


def away(name: str, *topics: str, peer: str = "render", **facts: Any) -> InstanceInfo:
    """Return an instance of another cluster, which takes whole runs."""
    takes = (BEGINS, *(consumer(one) for one in topics))
    usual: dict[str, Any] = {"sends": ANY, "consumers": takes, **facts}
    return instance(f"{peer}/{name}", peer=peer, **usual)


def picture(*remote: InstanceInfo, **facts: Any) -> Topology:
    """Return a topology with an own instance that can do everything, and these elsewhere."""
    return replace(topology(instance("own@host"), **facts), remote=remote)


def test_a_cluster_is_chosen_whose_instances_can_do_every_step_between_them() -> None:
    found = whole(NEEDS, picture(away("one@h", "a"), away("two@h", "b")), NOW)

    assert dict(found.candidates) == {"render/*": ("render/one@h", "render/two@h")}
    assert chosen(found, {}) == "render/*"
    assert found.problem == ""


def test_of_several_the_one_with_the_least_to_do_is_chosen_unless_one_is_named() -> None:
    both = picture(away("one@h", "a", "b"), away("one@h", "a", "b", peer="sound"))

    assert chosen(whole(NEEDS, both, NOW), {"render/one@h": 1}) == "sound/*"
    assert chosen(whole(NEEDS, both, NOW, only="render"), {"render/one@h": 1}) == "render/*"


def test_what_is_sent_with_whole_runs_alone_is_not_sent_by_itself() -> None:
    one = away("one@h", "a", "b", sends=(Pattern.parse("a"),), sends_whole=(Pattern.parse("b"),))
    steps = [replace(need, of_whole=True) for need in NEEDS]

    assert list(whole(steps, picture(one), NOW).candidates) == ["render/*"]
    alone = route(Need(topic="b"), replace(topology(), remote=(one,)), {}, now=NOW)
    assert isinstance(alone, Unroutable)
    assert dict(alone.obstacles) == {Obstacle.NOT_SENT: 1}
    assert "b is sent to render with whole runs only." in str(alone.verdicts[0].reason)
    [verdict] = whole(steps, picture(replace(one, sends_whole=())), NOW).verdicts
    assert verdict.reason is not None
    assert "add a pattern to SEND or SEND_WHOLE of this peer." in verdict.reason.detail


@pytest.mark.parametrize(
    ("there", "obstacle"),
    [
        (away("one@h", "a"), Obstacle.NO_CONSUMER),
        (away("one@h", "a", "b", sends=(Pattern.parse("a"),)), Obstacle.NOT_SENT),
        (away("one@h", "a", "b", is_silent=True), Obstacle.PEER_SILENT),
        (away("one@h", "a", "b", is_accepting=False), Obstacle.NOT_ACCEPTING),
        (away("one@h", consumers=(consumer("a"), consumer("b"))), Obstacle.NO_CONSUMER),
    ],
)
def test_each_cluster_that_cannot_is_told_with_the_reason(
    there: InstanceInfo, obstacle: Obstacle
) -> None:
    found = whole(NEEDS, picture(there), NOW)

    assert (found.candidates, chosen(found, {})) == ({}, "")
    [verdict] = found.verdicts
    assert verdict.instance == "render/*"
    assert verdict.reason is not None
    assert verdict.reason.obstacle is obstacle
    assert found.problem.startswith("No other cluster can do every step. render cannot do ")


def test_each_step_needs_one_instance_there_that_has_what_is_required() -> None:
    big = Requirements.of({"ram_gb": {">=": 64}})
    needs = [NEEDS[0], NEEDS[1], replace(NEEDS[2], requires=big)]
    weak, strong = (away(f"{n}@h", "a", "b", properties={"ram_gb": n}) for n in (32, 128))

    assert list(whole(needs, picture(weak, strong), NOW).candidates) == ["render/*"]
    [verdict] = whole(needs, picture(weak), NOW).verdicts
    assert verdict.reason is not None
    assert verdict.reason.obstacle is Obstacle.UNMET
    assert "render cannot do b: render/32@h does not qualify" in verdict.reason.detail


def test_an_instance_that_a_rule_keeps_from_one_step_does_none() -> None:
    denied = rule(RuleVerb.DENY, "b", target="render/one@h")
    first = away("one@h", "a", "b")

    found = whole(NEEDS, picture(first, away("two@h", "a", "b"), rules=(denied,)), NOW)
    assert dict(found.candidates) == {"render/*": ("render/two@h",)}
    alone = whole(NEEDS, picture(first, rules=(denied,)), NOW)
    assert alone.verdicts[0].reason is not None
    assert alone.verdicts[0].reason.obstacle is Obstacle.DENIED
    assert "No other cluster is known" in whole(NEEDS, picture(), NOW).problem


def test_the_job_of_a_run_is_kept_to_a_cluster_and_not_to_an_instance() -> None:
    lane = Lane(topic=RUN_TOPIC, affinity=Affinity(instance="render/*"))
    assert Lane.parse(str(lane)) == lane
    there = picture(away("one@h", "a"), away("two@h", "a", peer="renderer"))

    found = route(lane.need, there, {}, now=NOW)
    assert isinstance(found, Route)
    assert found.candidates == ("render/one@h",)
    elsewhere = Lane(topic=RUN_TOPIC, affinity=Affinity(instance="sound/*"))
    assert isinstance(route(elsewhere.need, there, {}, now=NOW), Unroutable)
