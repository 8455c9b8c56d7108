"""The effects of a change of rules: who may run more or less, and stranded topics."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from offload.core.placement.comparison import Comparison, Permission, compare
from offload.core.placement.judgement import consumer_for, judge_rules
from offload.core.placement.topology import RuleVerb
from tests.unit.core.placement.fleet import (
    NOW,
    TOPICS,
    consumer,
    instance,
    rule,
    rules,
    topologies,
    topology,
)

if TYPE_CHECKING:
    from offload.core.placement.topology import RoutingRule, Topology

HERE, THERE = "render@host2", "gpu@host2"
ALLOW, DENY = RuleVerb.ALLOW, RuleVerb.DENY


def changed(before: Topology, *ruling: RoutingRule, rows: tuple[str, ...] = TOPICS) -> Comparison:
    """Return the effects of these rules."""
    return compare(before, replace(before, rules=ruling), rows, NOW)


def test_a_deny_closes_what_it_matches_and_strands_what_nobody_else_may_run() -> None:
    two = topology(instance(), instance(THERE, consumers=(consumer("a/*"),)))

    found = changed(two, rule(DENY, "a/**"), rows=("a/b", "a/b/c", "b"))

    assert found.closed == (Permission(HERE, "a/b"), Permission(HERE, "a/b/c"))
    assert found.opened == ()
    assert found.stranded == ("a/b/c",)
    assert found.topics == {"a/b", "a/b/c"}


def test_the_first_allow_closes_all_else_and_the_last_to_go_opens_it() -> None:
    alone = topology(instance())
    listed = topology(instance(), rules=(rule(ALLOW, "b"),))

    assert changed(alone, rule(ALLOW, "b"), rows=("a", "b")).closed == (Permission(HERE, "a"),)
    assert changed(listed, rows=("a", "b")).opened == (Permission(HERE, "a"),)


def test_a_pattern_is_closed_once_nothing_of_it_is_left() -> None:
    alone = topology(instance())

    assert changed(alone, rule(DENY, "dam/web"), rows=("dam/**",)) == Comparison()
    assert changed(alone, rule(DENY, "dam/**"), rows=("dam/**",)).stranded == ("dam/**",)


def test_an_instance_that_is_switched_off_may_run_nothing() -> None:
    before = topology(instance(), instance(THERE))
    off = topology(instance(is_off=True), instance(THERE))

    found = compare(before, off, ("a", "b"), NOW)

    assert found.closed == (Permission(HERE, "a"), Permission(HERE, "b"))
    assert found.stranded == ()


def test_what_it_has_no_consumer_for_is_neither_opened_nor_closed() -> None:
    alone = topology(instance(consumers=(consumer("b"),)))

    assert changed(alone, rule(DENY, "**"), rows=("a", "b")).closed == (Permission(HERE, "b"),)


def permitted(there: Topology) -> set[Permission]:
    """Return the topics that live instances may run, judged one by one."""
    return {
        Permission(one.name, topic)
        for one in there.live
        for topic in TOPICS
        if consumer_for(one, topic) is not None
        and not one.is_off
        and judge_rules(one, topic, there.rules, NOW) is None
    }


@given(topologies(), st.lists(rules(), max_size=5))
def test_it_is_the_difference_between_the_verdicts(
    before: Topology, ruling: list[RoutingRule]
) -> None:
    after = replace(before, rules=tuple(ruling))
    old, new = permitted(before), permitted(after)

    found = changed(before, *ruling)

    assert set(found.opened) == new - old
    assert set(found.closed) == old - new
    left = {one.topic for one in old - new}
    assert set(found.stranded) == left - {one.topic for one in new}
