"""Problems of consumers, rules and queues, and what is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from offload.core.lint import consumer_lint, queue_lint, rule_lint
from offload.core.lint.problems import ProblemKind
from offload.core.placement.topology import Mode, RuleVerb, Scope
from offload.core.policies import DEFAULT_POLICY, Policy, QueueType
from offload.core.topics import Pattern
from tests.unit.core.placement.fleet import NOW, consumer, instance, rule, topology

A, B = "a@host", "b@host"
ALLOW, DENY = RuleVerb.ALLOW, RuleVerb.DENY


def runner(name: str, *patterns: str, **facts: Any) -> Any:
    """Return an instance that consumes these patterns."""
    return instance(name, consumers=tuple(map(consumer, patterns)), **facts)


def of(name: str, target: str, verb: RuleVerb, pattern: str, number: int, **facts: Any) -> Any:
    """Return a rule of a scope."""
    return rule(verb, pattern, id=number, scope=Scope(name), target=target, **facts)


def queue(name: str, *patterns: str, **facts: Any) -> Policy:
    """Return a queue for these patterns."""
    parsed = tuple(map(Pattern.parse, patterns))
    return replace(DEFAULT_POLICY, name=name, patterns=parsed, **facts)


class TestConsumers:
    """Topics without anybody, or with a single instance."""

    def test_waiting_topics_that_nobody_consumes_are_named(self) -> None:
        picture = topology(runner(A, "dam/*"))
        [found] = consumer_lint.not_consumed(picture, {"dam/web", "audio/mix"})
        assert (found.kind, found.subject) == (ProblemKind.NOT_CONSUMED, "audio/mix")

    @pytest.mark.parametrize(
        ("rules", "expected"),
        [
            ([of("instance", A, DENY, "dam/**", 1)], []),
            ([of("glob", "*", DENY, "dam/**", 1)], ["dam/*"]),
            ([of("glob", "*", DENY, "dam/web", 1)], []),
            ([of("glob", "*", ALLOW, "audio/*", 1)], ["dam/*"]),
            ([of("glob", "*", ALLOW, "dam/web", 1)], []),
            ([of("glob", "*", DENY, "**", 1, until=NOW - timedelta(1))], []),
        ],
    )
    def test_what_all_are_forbidden_is_named(self, rules: list[Any], expected: list[str]) -> None:
        picture = topology(runner(A, "dam/*"), runner(B, "dam/*"), rules=tuple(rules))
        assert [one.subject for one in consumer_lint.denied(picture, NOW)] == expected

    def test_an_instance_that_is_off_may_run_nothing(self) -> None:
        picture = topology(runner(A, "dam/*", is_off=True))
        assert [one.subject for one in consumer_lint.denied(picture, NOW)] == ["dam/*"]

    def test_an_instance_that_alone_may_run_something_is_named_once(self) -> None:
        picture = topology(runner(A, "dam/*", "b", "c", "d", "e"), runner(B, "dam/*"))
        [found] = consumer_lint.single(picture, NOW)
        assert found.fact == f"Only {A} may run b, c, d and 1 more; without it, jobs wait."
        assert found.kind.is_note

    def test_of_a_single_instance_that_is_not_said(self) -> None:
        gone = runner(B, "dam/*", mode=Mode.GONE)
        assert list(consumer_lint.single(topology(runner(A, "dam/*"), gone), NOW)) == []

    def test_of_two_consumers_of_one_pattern_the_lower_one_never_runs(self) -> None:
        both = (consumer("dam/*", "new", 2), consumer("dam/*", "old"), consumer("dam/web", "web"))
        picture = topology(instance(A, consumers=both), instance(B, consumers=both))
        [found] = consumer_lint.shadowed(picture)
        assert found.fact == f"old never runs a job of dam/*: new comes first on {A} and {B}."


class TestQueues:
    """Queues without jobs, and limits without effect."""

    def test_a_queue_without_a_consumer_is_named(self) -> None:
        picture = topology(runner(A, "dam/*", mode=Mode.GONE))
        found = queue_lint.unmatched([queue("dam", "dam/web"), queue("mail", "mail/**")], picture)
        assert [one.subject for one in found] == ["mail"]

    def test_before_any_instance_is_known_nothing_is_said_of_queues(self) -> None:
        assert list(queue_lint.unmatched([queue("mail", "mail/**")], topology())) == []

    @pytest.mark.parametrize(
        ("ranking", "pattern", "expected"),
        [(0, "dam/**", []), (1, "dam/**", ["dam/web"]), (1, "dam/a", []), (0, "dam/web", [])],
    )
    def test_a_pattern_that_another_queue_takes_is_named(
        self, ranking: int, pattern: str, expected: list[str]
    ) -> None:
        mine, other = queue("aa", "dam/web"), queue("zz", pattern, ranking=ranking)
        told = [one.fact for one in queue_lint.shadowed([mine, other]) if one.subject == "aa"]
        assert [fact for fact in told if "zz" in fact] == [
            f"Queue aa never gets a job of {one}: queue zz takes them all." for one in expected
        ]

    def test_of_equal_ones_the_second_by_name_gets_nothing(self) -> None:
        found = queue_lint.shadowed([queue("zz", "dam/*"), queue("aa", "dam/*")])
        assert [one.subject for one in found] == ["zz"]

    @pytest.mark.parametrize(
        ("facts", "told"),
        [
            ({"max_parallel": 4}, True),
            ({"max_parallel": 3}, False),
            ({"max_parallel": None}, False),
            ({"type": QueueType.ORDERED}, False),
        ],
    )
    def test_a_limit_that_is_never_reached_is_named(
        self, facts: dict[str, Any], told: bool
    ) -> None:
        picture = topology(
            runner(A, "dam/*"), runner(B, "dam/*"), runner("c@host", "dam/*", mode=Mode.GONE)
        )
        found = list(queue_lint.unused_limits([queue("dam", "dam/**", **facts)], picture))
        assert bool(found) is told


class TestRules:
    """Rules that name nobody, and rules that another one decides before."""

    @pytest.mark.parametrize(
        ("one", "told"),
        [
            (of("instance", "x@host", DENY, "**", 1), True),
            (of("glob", "x*", DENY, "**", 1), True),
            (of("label", "gpu", DENY, "**", 1), True),
            (of("instance", A, DENY, "**", 1), False),
            (of("glob", "a@*", DENY, "**", 1), False),
        ],
    )
    def test_a_rule_that_names_nobody_is_told(self, one: Any, told: bool) -> None:
        found = list(rule_lint.unmatched(topology(runner(A, "dam/*"), rules=(one,))))
        assert bool(found) is told

    @pytest.mark.parametrize(
        ("first", "second", "void"),
        [
            (of("instance", A, DENY, "dam/**", 1), of("instance", A, DENY, "dam/web", 2), [2]),
            (of("instance", A, DENY, "dam/**", 1), of("instance", A, ALLOW, "dam/web", 2), [2]),
            (of("instance", A, ALLOW, "dam/**", 1), of("instance", A, ALLOW, "dam/web", 2), [2]),
            (of("instance", A, ALLOW, "dam/**", 1), of("instance", A, DENY, "dam/web", 2), []),
            (of("glob", "*", DENY, "dam/**", 1), of("instance", A, DENY, "dam/**", 2), [2]),
            (of("instance", A, DENY, "dam/**", 1), of("glob", "*", DENY, "dam/**", 2), [1]),
            (of("label", "gpu", DENY, "dam/**", 1), of("glob", "*", DENY, "dam/web", 2), []),
            (of("instance", A, DENY, "dam/**", 1), of("instance", B, DENY, "dam/web", 2), []),
            (of("instance", A, DENY, "dam/web", 1), of("instance", A, DENY, "dam/web", 2), [2]),
            (
                of("instance", A, DENY, "dam/**", 1, until=NOW + timedelta(1)),
                of("instance", A, DENY, "dam/web", 2),
                [],
            ),
        ],
    )
    def test_a_rule_without_effect_is_told(self, first: Any, second: Any, void: list[int]) -> None:
        everyone = (runner(A, "dam/*"), runner(B, "dam/*"))
        found = rule_lint.shadowed(topology(*everyone, rules=(first, second)), NOW)
        assert [one.subject for one in found] == [f"Rule {number}" for number in void]
