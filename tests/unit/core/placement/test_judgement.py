from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.placement.judgement import (
    Need,
    alive,
    allowed,
    capable,
    consumer_for,
    fits,
    judge_rules,
)
from offload.core.placement.reasons import Obstacle, Verdict
from offload.core.placement.topology import (
    PROTOCOL_VERSION,
    InstanceInfo,
    Mode,
    RoutingRule,
    RuleVerb,
    Scope,
)
from tests.unit.core.placement.fleet import NOW, TOPICS, consumer, instance, instances, rule, rules

ALLOW, DENY = RuleVerb.ALLOW, RuleVerb.DENY
TOPIC = "dam/rendition/web"
NEED = Need(topic=TOPIC)


def judged(*ruling: RoutingRule, topic: str = TOPIC, **facts: Any) -> Obstacle | None:
    reason = judge_rules(instance(**facts), topic, ruling, NOW)
    return reason.obstacle if reason else None


def test_the_most_specific_consumer_runs_the_topic() -> None:
    offered = (consumer("**", "all", 9), consumer("a/b", "exact"), consumer("a/*", "one", 5))
    one = instance(consumers=offered)

    found = [consumer_for(one, topic) for topic in ("a/b", "a/c", "z")]

    assert [each and each.task for each in found] == ["exact", "one", "all"]


def test_of_equally_specific_consumers_the_ranking_decides_then_the_order() -> None:
    one = instance(consumers=(consumer("a/*", "low"), consumer("a/*", "high", 2)))
    same = instance(consumers=(consumer("a/*", "first"), consumer("a/*", "second")))

    assert consumer_for(one, "a/b") == consumer("a/*", "high", 2)
    assert consumer_for(same, "a/b") == consumer("a/*", "first")


def test_an_instance_without_a_fitting_consumer_has_none() -> None:
    assert consumer_for(instance(consumers=(consumer("a/*"),)), "b") is None


@pytest.mark.parametrize(
    ("need", "facts", "obstacle", "told"),
    [
        (NEED, {}, None, ""),
        (NEED, {"consumers": ()}, Obstacle.NO_CONSUMER, TOPIC),
        (NEED, {"protocol": PROTOCOL_VERSION - 1}, Obstacle.OLD_PROTOCOL, "Update"),
        (NEED, {"protocol": PROTOCOL_VERSION + 1}, None, ""),
        (NEED, {"broken": {"shop.tasks.work"}}, Obstacle.BROKEN_CONSUMER, "shop.tasks.work"),
        (NEED, {"broken": {"another.task"}}, None, ""),
        (NEED, {"can_limit": False, "can_kill": False}, None, ""),
        (Need(topic=TOPIC, limit=True), {"can_limit": False}, Obstacle.CANNOT_LIMIT, "limit"),
        (Need(topic=TOPIC, limit=True), {"can_kill": False}, None, ""),
        (Need(topic=TOPIC, kill=True), {"can_kill": False}, Obstacle.CANNOT_KILL, "end"),
        (Need(topic=TOPIC, kill=True), {"can_limit": False}, None, ""),
    ],
)
def test_who_is_capable(
    need: Need, facts: dict[str, Any], obstacle: Obstacle | None, told: str
) -> None:
    one = instance(**facts)

    reason = capable(need, one, consumer_for(one, need.topic))

    assert (reason.obstacle if reason else None) is obstacle
    assert told in str(reason)


def test_a_broken_consumer_is_not_replaced_by_a_less_specific_one() -> None:
    offered = (consumer("dam/**", "good"), consumer(TOPIC, "bad"))
    one = instance(consumers=offered, broken=frozenset({"bad"}))

    reason = capable(NEED, one, consumer_for(one, TOPIC))

    assert reason is not None
    assert reason.obstacle is Obstacle.BROKEN_CONSUMER


@pytest.mark.parametrize(
    ("ruling", "obstacle"),
    [
        ((), None),
        ((rule(ALLOW),), None),
        ((rule(ALLOW, "dam/**"),), None),
        ((rule(ALLOW, "mail"),), Obstacle.NOT_ALLOWED),
        ((rule(ALLOW, "mail"), rule(ALLOW, "dam/**")), None),
        ((rule(DENY),), Obstacle.DENIED),
        ((rule(DENY, "mail"),), None),
        # However specific the allow is.
        ((rule(ALLOW, TOPIC), rule(DENY, "**")), Obstacle.DENIED),
        ((rule(DENY, "mail"), rule(ALLOW, "mail")), Obstacle.NOT_ALLOWED),
        # Those for others leave it alone.
        ((rule(DENY, target="author@host1"),), None),
        ((rule(ALLOW, "mail", target="author@host1"),), None),
        ((rule(DENY, scope=Scope.GLOB, target="*@host2"),), Obstacle.DENIED),
        ((rule(DENY, scope=Scope.LABEL, target="gpu"),), None),
        # Those that ended, too.
        ((rule(DENY, until=NOW),), None),
        ((rule(ALLOW, "mail", until=NOW - timedelta(days=1)),), None),
        ((rule(DENY, until=NOW + timedelta(seconds=1)),), Obstacle.DENIED),
    ],
)
def test_the_rules_by_their_table(
    ruling: tuple[RoutingRule, ...], obstacle: Obstacle | None
) -> None:
    assert judged(*ruling) is obstacle


def test_a_label_reaches_the_instances_that_carry_it() -> None:
    denial = rule(DENY, scope=Scope.LABEL, target="gpu")

    assert judged(denial, labels=frozenset({"gpu"})) is Obstacle.DENIED


def test_a_denial_names_its_rule_pattern_and_end() -> None:
    denial = rule(DENY, "dam/**", id=7, until=NOW + timedelta(hours=1))

    reason = judge_rules(instance(), TOPIC, [rule(DENY, "mail", id=1), denial], NOW)

    assert reason is not None
    assert reason.rule_id == 7
    assert str(reason) == "Rule 7 denies dam/** on render@host2 until 2025-06-01 13:00 UTC."


def test_a_missing_allowance_lists_what_is_allowed() -> None:
    reason = judge_rules(instance(), TOPIC, [rule(ALLOW, "mail"), rule(ALLOW, "bill/*")], NOW)

    assert str(reason) == "render@host2 is allowed only bill/*, mail."


@given(st.lists(rules(), max_size=6), instances(), st.sampled_from(TOPICS))
def test_a_matching_denial_always_wins(
    ruling: list[RoutingRule], one: InstanceInfo, topic: str
) -> None:
    denied = any(
        each.verb is DENY
        and each.in_force(NOW)
        and each.applies_to(one)
        and each.pattern.matches(topic)
        for each in ruling
    )

    reason = judge_rules(one, topic, ruling, NOW)

    assert (reason is not None and reason.obstacle is Obstacle.DENIED) is denied


@given(st.lists(rules(), max_size=6), instances(), st.sampled_from(TOPICS), rules())
def test_one_more_denial_never_frees_anything(
    ruling: list[RoutingRule], one: InstanceInfo, topic: str, more: RoutingRule
) -> None:
    before = judge_rules(one, topic, ruling, NOW)
    after = judge_rules(one, topic, [*ruling, rule(DENY, more.pattern.text)], NOW)

    assert before is None or after is not None


@given(st.permutations([rule(ALLOW, "a/*"), rule(DENY, "a/b"), rule(ALLOW, "b"), rule(DENY, "*")]))
def test_the_order_of_the_rules_changes_nothing(ruling: list[RoutingRule]) -> None:
    found = [judged(*ruling, topic=topic) for topic in ("a/b", "a/c", "b", "c/d")]

    assert found == [Obstacle.DENIED, None, Obstacle.DENIED, Obstacle.NOT_ALLOWED]


def test_off_comes_before_the_rules() -> None:
    one = instance(is_off=True)

    reason = allowed(NEED, one, [rule(DENY)])

    assert reason is not None
    assert reason.obstacle is Obstacle.OFF
    assert reason.rule_id is None


@pytest.mark.parametrize(
    ("mode", "obstacle"),
    [
        (Mode.READY, None),
        (Mode.STARTING, Obstacle.STARTING),
        (Mode.DRAINING, Obstacle.DRAINING),
        (Mode.RECONNECTING, Obstacle.DISCONNECTED),
        (Mode.SUSPECT, Obstacle.SUSPECT),
        (Mode.GONE, Obstacle.GONE),
    ],
)
def test_only_a_ready_instance_takes_work(mode: Mode, obstacle: Obstacle | None) -> None:
    reason = alive(instance(mode=mode))

    assert (reason.obstacle if reason else None) is obstacle


def test_a_goodbye_is_told_apart_from_a_loss() -> None:
    left = alive(instance(mode=Mode.GONE, said_goodbye=True))
    lost = alive(instance(mode=Mode.GONE))

    assert str(left) == "render@host2 was shut down."
    assert str(lost) == "render@host2: It is gone."


@pytest.mark.parametrize(
    ("excluded", "bound", "obstacle"),
    [
        (frozenset(), 3, None),
        (frozenset(), 4, Obstacle.WINDOW_FULL),
        (frozenset(), 5, Obstacle.WINDOW_FULL),
        (frozenset({"first boot of render@host2"}), 0, Obstacle.EXCLUDED),
        (frozenset({"first boot of render@host2"}), 4, Obstacle.EXCLUDED),
        # A new boot may have what the old one lacked.
        (frozenset({"an earlier boot of render@host2"}), 0, None),
    ],
)
def test_what_fits_a_window_of_four(
    excluded: frozenset[str], bound: int, obstacle: Obstacle | None
) -> None:
    reason = fits(Need(topic=TOPIC, excluded=excluded), instance(window=4), bound)

    assert (reason.obstacle if reason else None) is obstacle


def test_every_obstacle_has_its_own_sentence() -> None:
    assert len({one.sentence for one in Obstacle}) == len(Obstacle)
    assert all(one.sentence.endswith(".") for one in Obstacle)


def test_a_verdict_without_a_reason_is_a_yes() -> None:
    no = fits(NEED, instance(), 4)

    assert Verdict(instance="a@x", task="t").can_run
    assert not Verdict(instance="a@x", task="t", reason=no).can_run
