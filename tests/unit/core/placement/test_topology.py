from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.placement.topology import Mode, RuleVerb, Scope, Topology
from tests.unit.core.placement.fleet import NOW, instance, rule, topologies, topology

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("scope", "target", "applies"),
    [
        (Scope.INSTANCE, "render@gpu1", True),
        (Scope.INSTANCE, "render@gpu", False),
        # A nodename is no glob.
        (Scope.INSTANCE, "render@*", False),
        (Scope.GLOB, "render@*", True),
        (Scope.GLOB, "*@gpu?", True),
        (Scope.GLOB, "RENDER@*", False),
        (Scope.GLOB, "*@cpu?", False),
        (Scope.LABEL, "fast", True),
        (Scope.LABEL, "fa*", False),
        (Scope.LABEL, "render@gpu1", False),
    ],
)
def test_a_rule_applies_to_those_it_names(scope: Scope, target: str, applies: bool) -> None:
    one = instance("render@gpu1", labels=frozenset({"fast"}))

    assert rule(RuleVerb.DENY, scope=scope, target=target).applies_to(one) is applies


@pytest.mark.parametrize(
    ("until", "in_force"),
    [(None, True), (NOW + HOUR, True), (NOW, False), (NOW - HOUR, False)],
)
def test_a_rule_is_in_force_before_its_end(until: datetime | None, in_force: bool) -> None:
    assert rule(RuleVerb.DENY, until=until).in_force(NOW) is in_force


@pytest.mark.parametrize(
    ("rests_until", "in_force"),
    [(None, True), (NOW + HOUR, False), (NOW, True), (NOW - HOUR, True)],
)
def test_a_rule_that_rests_is_in_force_from_its_return(
    rests_until: datetime | None, in_force: bool
) -> None:
    assert rule(RuleVerb.DENY, rests_until=rests_until).in_force(NOW) is in_force


def test_an_instance_is_found_by_its_name() -> None:
    first, second = instance("a@x"), instance("b@x")

    assert topology(first, second).instance("b@x") is second
    assert topology(first, second).instance("c@x") is None


@pytest.mark.parametrize("mode", Mode)
def test_only_gone_is_not_live(mode: Mode) -> None:
    one = instance(mode=mode)

    assert topology(one).live == (() if mode is Mode.GONE else (one,))


def test_the_leader_is_the_live_instance_that_leads() -> None:
    follower, leader = instance("a@x"), instance("b@x", is_leader=True)
    dead = instance("b@x", is_leader=True, mode=Mode.GONE)

    assert topology(follower, leader).leader is leader
    assert topology(follower, dead).leader is None
    assert topology(follower).leader is None


@given(topologies(), st.integers(-3, 3).map(lambda hours: NOW + timedelta(hours=hours)))
def test_a_period_holds_exactly_the_rules_in_force_at_its_moments(
    picture: Topology, now: datetime
) -> None:
    expected = tuple(one for one in picture.rules if one.in_force(now))

    assert picture.rules_in(picture.period(now)) == expected


def test_a_period_ends_when_the_next_rule_ends() -> None:
    ends = [NOW + 2 * HOUR, NOW + HOUR, None, NOW + HOUR]
    picture = topology(rules=tuple(rule(RuleVerb.DENY, until=end) for end in ends))

    periods = [picture.period(NOW + number * HOUR) for number in range(3)]

    assert periods == [0, 1, 2]
    assert [picture.end_of(period) for period in periods] == [NOW + HOUR, NOW + 2 * HOUR, None]


def test_topologies_are_equal_by_content_though_their_hash_is_the_version() -> None:
    assert topology(instance("a@x")) == topology(instance("a@x"))
    assert topology(instance("a@x")) != topology(instance("b@x"))
    assert hash(topology(instance("a@x"), version=7)) == hash(topology(version=7))
