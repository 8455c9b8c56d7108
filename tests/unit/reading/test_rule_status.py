"""The status of a topic or pattern on an instance, by the desired and the applied rules."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.placement.judgement import consumer_for, judge_rules
from offload.core.placement.rule_status import (
    PERMITTING,
    RuleStatus,
    is_sent,
    judge,
    same_effect,
)
from offload.core.placement.topology import RuleVerb, Scope
from offload.core.topics import Pattern
from offload.reading.rules.applied import judge_applied, read_applied
from tests.unit.core.placement.fleet import NOW, TOPICS, consumer, instance, instances, rule, rules

HERE = "render@host2"
ALLOW, DENY = RuleVerb.ALLOW, RuleVerb.DENY


@pytest.mark.parametrize(
    ("ruling", "row", "expected"),
    [
        ((), "a/b", RuleStatus.ALLOWED),
        ((rule(ALLOW, "a/b"),), "a/b", RuleStatus.ONLY),
        ((rule(ALLOW, "a/b"),), "a/c", RuleStatus.UNLISTED),
        ((rule(ALLOW, "a/b"), rule(ALLOW, "a/c", id=2)), "a/b", RuleStatus.ALLOWED),
        ((rule(ALLOW, "a/b", scope=Scope.GLOB, target="*"),), "a/b", RuleStatus.ALLOWED),
        ((rule(DENY, "a/**"),), "a/b", RuleStatus.DENIED),
        ((rule(DENY, "a/b"),), "a/c", RuleStatus.ALLOWED),
        ((rule(DENY, target="zoo@host3"),), "a/b", RuleStatus.ALLOWED),
        ((rule(DENY, until=NOW),), "a/b", RuleStatus.ALLOWED),
        # A pattern stands for whatever no rule names exactly.
        ((rule(DENY, "a/*"),), "a/*", RuleStatus.DENIED),
        ((rule(DENY, "a/*"),), "a/**", RuleStatus.PARTLY),
        ((rule(DENY, "a/b"),), "a/*", RuleStatus.ALLOWED),
        ((rule(ALLOW, "a/**"),), "a/*", RuleStatus.ALLOWED),
        ((rule(ALLOW, "a/*"),), "**", RuleStatus.UNLISTED),
        ((rule(DENY, "**"),), "**", RuleStatus.DENIED),
    ],
)
def test_rules_decide_the_status(ruling: tuple, row: str, expected: RuleStatus) -> None:  # type: ignore[type-arg]
    assert judge(instance(), row, ruling, NOW).status is expected


def test_an_instance_that_consumes_some_topics_of_a_pattern_is_judged_by_those() -> None:
    narrow = instance(consumers=(consumer("a/b"), consumer("a/c")))

    assert judge(narrow, "a/*", (rule(ALLOW, "a/b"),), NOW).status is RuleStatus.PARTLY
    assert judge(narrow, "a/*", (rule(DENY, "a/*"),), NOW).status is RuleStatus.DENIED
    assert judge(narrow, "b/*", (), NOW).status is RuleStatus.ABSENT


@pytest.mark.parametrize(
    ("sends", "row", "expected"),
    [
        (("a/**",), "a/b", RuleStatus.ALLOWED),
        (("a/**",), "b", RuleStatus.NOT_SENT),
        ((), "**", RuleStatus.NOT_SENT),
        (("a/b",), "a/*", RuleStatus.PARTLY),
        (("a/b",), "b/*", RuleStatus.NOT_SENT),
        (("**",), "a/*", RuleStatus.ALLOWED),
    ],
)
def test_what_may_be_sent_decides_the_status_in_another_cluster(
    sends: tuple[str, ...], row: str, expected: RuleStatus
) -> None:
    patterns = tuple(map(Pattern.parse, sends))
    remote = instance("render/gpu1@host", peer="render", sends=patterns)

    assert judge(remote, row, (), NOW).status is expected
    assert is_sent(remote, row) is (expected is not RuleStatus.NOT_SENT)
    assert is_sent(instance(), row)


def test_without_a_consumer_no_rule_matters() -> None:
    assert judge(instance(consumers=()), "a", (rule(DENY),), NOW).status is RuleStatus.ABSENT


def test_off_beats_every_rule() -> None:
    judged = judge(instance(is_off=True), "a", (rule(ALLOW, "a"),), NOW)

    assert judged.status is RuleStatus.OFF
    assert judged.why == "render@host2 is switched off."


def test_the_reason_names_the_rule_and_its_end() -> None:
    until = NOW + timedelta(hours=1)

    denied = judge(instance(), "a/b", (rule(DENY, "a/*", id=7, until=until),), NOW)
    allowed = judge(instance(), "a/b", (rule(ALLOW, "a/*", id=8),), NOW)

    assert (denied.rule_id, denied.until) == (7, until)
    assert denied.why.startswith("Rule 7 denies a/* on render@host2")
    assert (allowed.rule_id, allowed.why) == (8, "Rule 8 allows a/*.")


@given(instances(HERE), st.lists(rules(), max_size=5), st.sampled_from(TOPICS))
def test_a_topic_may_run_where_the_router_says_so(one, ruling, topic) -> None:  # type: ignore[no-untyped-def]
    judged = judge(one, topic, ruling, NOW)

    if consumer_for(one, topic) is None:
        assert judged.status is RuleStatus.ABSENT
    else:
        forbidden = one.is_off or judge_rules(one, topic, ruling, NOW)
        assert (judged.status in PERMITTING) == (not forbidden)


def test_what_an_instance_announced_is_judged_like_what_is_desired() -> None:
    announced = {"version": 4, "off": False, "rules": [["deny", "a/*", None]]}
    applied = read_applied(HERE, announced)

    assert judge_applied(instance(), "a/b", applied, NOW) is RuleStatus.DENIED
    assert judge_applied(instance(), "b", applied, NOW) is RuleStatus.ALLOWED


def test_an_announced_rule_ends_by_itself_too() -> None:
    ended = (NOW - timedelta(seconds=1)).isoformat()
    applied = read_applied(HERE, {"version": 4, "off": False, "rules": [["deny", "a", ended]]})

    assert judge_applied(instance(), "a", applied, NOW) is RuleStatus.ALLOWED


def test_an_instance_that_announced_nothing_is_unknown() -> None:
    assert judge_applied(instance(), "a", read_applied(HERE, {}), NOW) is RuleStatus.UNKNOWN


def test_whether_it_is_off_is_taken_from_what_is_announced_too() -> None:
    on = read_applied(HERE, {"version": 4, "off": False, "rules": []})
    off = read_applied(HERE, {"version": 4, "off": True, "rules": []})

    assert judge_applied(instance(is_off=True), "a", on, NOW) is RuleStatus.ALLOWED
    assert judge_applied(instance(), "a", off, NOW) is RuleStatus.OFF


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (RuleStatus.ALLOWED, RuleStatus.ONLY, True),
        (RuleStatus.DENIED, RuleStatus.OFF, True),
        (RuleStatus.UNLISTED, RuleStatus.DENIED, True),
        (RuleStatus.PARTLY, RuleStatus.PARTLY, True),
        (RuleStatus.ALLOWED, RuleStatus.DENIED, False),
        (RuleStatus.PARTLY, RuleStatus.ALLOWED, False),
        (RuleStatus.ALLOWED, RuleStatus.UNKNOWN, False),
    ],
)
def test_statuses_are_alike_by_their_effect(
    one: RuleStatus, other: RuleStatus, expected: bool
) -> None:
    assert same_effect(one, other) is expected
    assert same_effect(other, one) is expected
