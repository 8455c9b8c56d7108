"""One instance for several topics, and jobs that are kept to an instance."""

from __future__ import annotations

from dataclasses import replace

import pytest

from offload.core.placement.affinity import Affinity
from offload.core.placement.joint import chosen, joint
from offload.core.placement.judgement import Need
from offload.core.placement.lanes import Lane
from offload.core.placement.reasons import Obstacle
from offload.core.placement.routing import Route, Unroutable, route
from offload.core.placement.topology import Mode, RuleVerb
from offload.core.topics import Pattern
from tests.unit.core.placement.fleet import NOW, consumer, instance, rule, topology

A, B = Need(topic="a"), Need(topic="b")
BOTH, ONLY_A = instance("both@host"), instance("one@host", consumers=(consumer("a"),))
AWAY = instance("render/gpu1@host", peer="render", sends=(Pattern.parse("**"),))


def test_only_an_instance_that_can_do_everything_is_chosen() -> None:
    found = joint([A, B], topology(BOTH, ONLY_A), NOW)

    assert found.names == {"both@host"}
    assert chosen([A, B], found, {"both@host": 4}) == "both@host", "it may be full"
    assert found.problem == ""


def test_of_several_the_one_with_the_most_room_is_chosen() -> None:
    found = joint([A, B], topology(BOTH, instance("free@host")), NOW)

    assert chosen([A, B], found, {"both@host": 1}) == "free@host"
    assert chosen([A, B], found, {"free@host": 1}) == "both@host"


def test_each_instance_is_told_with_the_topics_that_it_cannot_do() -> None:
    picture = topology(
        ONLY_A,
        instance("denied@host"),
        instance("gone@host", mode=Mode.GONE),
        rules=(rule(RuleVerb.DENY, "a", target="denied@host"),),
    )
    found = joint([A, B], picture, NOW)

    assert (found.candidates, chosen([A, B], found, {})) == ((), "")
    assert [one.reason and one.reason.obstacle for one in found.verdicts] == [
        Obstacle.NO_CONSUMER, Obstacle.DENIED, Obstacle.GONE,
    ]  # fmt: skip
    for told in ("one@host has no consumer for b", "denies a on denied@host", "gone@host"):
        assert told in found.problem
    assert "No instance is known" in joint([A, B], topology(), NOW).problem


def test_an_instance_of_another_cluster_can_do_every_step_if_it_may_get_each() -> None:
    picture = replace(topology(BOTH), remote=(AWAY,))

    found = joint([A, B], picture, NOW)

    assert found.names == {"both@host", "render/gpu1@host"}
    assert chosen([A, B], found, {}) == "both@host"


@pytest.mark.parametrize(
    "affinity",
    [
        None,
        Affinity(instance=""),
        Affinity(instance="render/gpu 1|a@host"),
        Affinity(instance="limit=clone@host", seconds=2.5),
    ],
)
@pytest.mark.parametrize("needs", ["", "limit files"])
def test_a_lane_keeps_its_affinity_whatever_the_name(needs: str, affinity: Affinity | None) -> None:
    lane = Lane(topic="a/b", queue="q", needs=needs, affinity=affinity)

    assert Lane.parse(str(lane)) == lane
    assert (lane.need.limit, lane.need.clone) == (bool(needs), False)


def test_a_job_goes_only_to_the_instance_that_it_is_kept_to() -> None:
    picture = topology(BOTH, instance("free@host"))
    found = route(replace(A, affinity=Affinity(instance="both@host")), picture, {}, now=NOW)
    assert isinstance(found, Route)
    assert found.candidates == ("both@host",)

    for affinity, obstacle in [
        (Affinity(instance=""), Obstacle.UNPLACED),
        (Affinity(instance="old@host"), Obstacle.PLACED_ELSEWHERE),
        (Affinity(instance="old@host", seconds=3), Obstacle.KEPT_NEAR),
    ]:
        none = route(replace(A, affinity=affinity), picture, {}, now=NOW)
        assert isinstance(none, Unroutable)
        assert none.obstacles == {obstacle: 2}
