"""Consumers that never run a job, or whose topics depend on a single instance."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from offload.core.lint.problems import Problem, ProblemKind
from offload.core.placement.topology import RuleVerb
from offload.core.texts import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from offload.core.matching.consumers import Consumer
    from offload.core.placement.topology import InstanceInfo, RoutingRule, Topology
    from offload.core.topics import Pattern

# Patterns named in a sentence.
MOST_NAMED = 3


def not_consumed(topology: Topology, topics: Collection[str]) -> Iterator[Problem]:
    """Yield the topics of waiting jobs that no known instance has a consumer for."""
    for topic in sorted(topics):
        if not any(one.pattern.matches(topic) for one in _consumers(topology)):
            yield Problem(
                kind=ProblemKind.NOT_CONSUMED,
                subject=topic,
                fact=f"Jobs of {topic} wait, and no known instance has a consumer for it.",
                next_step="Start a worker that has one, or stop them: "
                f"manage.py offload stop --topic {topic}",
            )


def denied(topology: Topology, now: datetime) -> Iterator[Problem]:
    """Yield the patterns that each live instance with a consumer for them is forbidden to run."""
    rules = _rules(topology, now)
    for pattern, instances in _by_pattern(topology).items():
        if not any(_may_run(one, pattern, rules[one.name]) for one in instances):
            names = listed([one.name for one in instances], MOST_NAMED)
            yield Problem(
                kind=ProblemKind.ALL_DENIED,
                subject=pattern.text,
                fact=f"Nobody may run {pattern}: rules or a switch forbid it on {names}.",
                next_step="To see the rules: manage.py offload rules",
            )


def single(topology: Topology, now: datetime) -> Iterator[Problem]:
    """Yield each instance without which a pattern has nobody left, unless it is the only one."""
    if len(topology.live) < 2:
        return
    rules = _rules(topology, now)
    alone: dict[str, list[str]] = defaultdict(list)
    for pattern, instances in _by_pattern(topology).items():
        able = [one for one in instances if _may_run(one, pattern, rules[one.name])]
        if len(able) == 1:
            alone[able[0].name].append(pattern.text)
    for name, patterns in alone.items():
        yield Problem(
            kind=ProblemKind.SINGLE_INSTANCE,
            subject=name,
            fact=f"Only {name} may run {listed(patterns, MOST_NAMED)}; without it, jobs wait.",
            next_step="If that is not intended, start a second worker with the same consumers.",
        )


def shadowed(topology: Topology) -> Iterator[Problem]:
    """Yield consumers that another one of the same pattern always beats on their instance."""
    found: dict[tuple[Consumer, Consumer], list[str]] = defaultdict(list)
    for instance in topology.live:
        for pair in _beaten(instance.consumers):
            found[pair].append(instance.name)
    for (loser, winner), names in found.items():
        fact = f"{loser.task} never runs a job of {loser.pattern}: {winner.task} comes first"
        yield Problem(
            kind=ProblemKind.CONSUMER_SHADOWED,
            subject=loser.pattern.text,
            fact=f"{fact} on {listed(names, MOST_NAMED)}.",
            next_step="Remove one of them, or give the other one the higher ranking.",
        )


def _beaten(consumers: Collection[Consumer]) -> Iterator[tuple[Consumer, Consumer]]:
    best: dict[Pattern, Consumer] = {}
    for one in sorted(consumers, key=lambda one: -one.ranking):
        winner = best.setdefault(one.pattern, one)
        if winner.task != one.task:
            yield one, winner


def _by_pattern(topology: Topology) -> Mapping[Pattern, list[InstanceInfo]]:
    found: dict[Pattern, list[InstanceInfo]] = {}
    for instance in topology.live:
        for pattern in {one.pattern: None for one in instance.consumers}:
            found.setdefault(pattern, []).append(instance)
    return found


def _rules(topology: Topology, now: datetime) -> Mapping[str, Sequence[RoutingRule]]:
    """Return the rules in force by the name of each live instance, found once for all patterns."""
    in_force = topology.rules_in(topology.period(now))
    return {one.name: [rule for rule in in_force if rule.applies_to(one)] for one in topology.live}


def _may_run(instance: InstanceInfo, pattern: Pattern, rules: Sequence[RoutingRule]) -> bool:
    """Tell whether the instance may run some topic of the pattern."""
    denials = [one for one in rules if one.verb is RuleVerb.DENY]
    allows = [one for one in rules if one.verb is RuleVerb.ALLOW]
    if instance.is_off or any(one.pattern.covers(pattern) for one in denials):
        return False
    return not allows or any(one.pattern.overlaps(pattern) for one in allows)


def _consumers(topology: Topology) -> Iterator[Consumer]:
    for instance in topology.everyone:
        yield from instance.consumers
