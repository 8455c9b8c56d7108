"""The choice of the instance for a job: capable → allowed → alive → fits → rank → choose.

Values in, a value out. Everything independent of load is planned once per need and topology.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from offload.core.placement.cluster_order import Load, key, score, why_first
from offload.core.placement.judgement import Need, consumer_for, fits, judge_rules, obstacle_to
from offload.core.placement.reasons import Obstacle, Verdict, all_unmet
from offload.core.policies import ClusterOrder
from offload.core.states import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from offload.core.placement.topology import Consumer, InstanceInfo, RoutingRule, Topology

__all__ = [
    "Candidate",
    "Load",
    "Need",
    "Plan",
    "Route",
    "Unroutable",
    "choose",
    "consumer_for",
    "judge_rules",
    "plan",
    "rank",
    "route",
    "verdicts",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The decision: this instance, by this task, through this queue."""

    instance: str
    task: str
    queue: str
    # All instances that could run it now, the best first.
    candidates: tuple[str, ...]
    # Why this one, one sentence per step.
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unroutable:
    """The decision that no instance can run it now, with a reason per instance."""

    need: Need
    verdicts: tuple[Verdict, ...]

    @property
    def infeasible(self) -> bool:
        """Tell whether no known instance has a consumer for the topic."""
        return all(verdict.task is None for verdict in self.verdicts)

    @property
    def is_unmet(self) -> bool:
        """Tell whether each known instance with a consumer lacks something that is required."""
        return all_unmet(self.verdicts)

    @property
    def obstacles(self) -> Mapping[Obstacle, int]:
        """Count the instances behind each obstacle, the most frequent first."""
        found = (verdict.reason for verdict in self.verdicts)
        return dict(Counter(one.obstacle for one in found if one).most_common())

    @property
    def waiting(self) -> Waiting:
        """Return why the job waits: for room, or for an instance that may run it."""
        full = Obstacle.WINDOW_FULL in self.obstacles
        return Waiting.WINDOW_FULL if full else Waiting.UNASSIGNED

    @property
    def reason(self) -> str:
        """Return a sentence that sums up the verdicts."""
        if not self.verdicts:
            return f"No instance is known that could run {self.need.topic}. Start a worker."
        if self.infeasible:
            return f"No instance has a consumer for {self.need.topic}. Start one that has."
        if self.is_unmet:
            return f"No known instance has what a job of {self.need.topic} requires."
        counted = (f"{one.replace('_', ' ')} ({count})" for one, count in self.obstacles.items())
        return f"No instance can run {self.need.topic} now: {', '.join(counted)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An instance that runs the job if it has room, with its consumer."""

    instance: InstanceInfo
    consumer: Consumer


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The part of a decision that does not depend on load."""

    # In the order of their names.
    candidates: tuple[Candidate, ...]
    # One per instance, in the order of the topology.
    verdicts: tuple[Verdict, ...]
    # The time at which a rule ends and the plan may change.
    until: datetime | None


def route(
    need: Need,
    topology: Topology,
    load: Load,
    *,
    now: datetime,
    cursor: int = 0,
    order: ClusterOrder = ClusterOrder.LOCAL_FIRST,
) -> Route | Unroutable:
    """Choose the instance that runs the job, or say why none can.

    `load` is the number of bound jobs by instance name. Increase `cursor` with each call, so that
    equal instances take turns. `order` is that of the job's queue.
    """
    candidates = plan(need, topology, now).candidates
    roomy = [one for one in candidates if load.get(one.instance.name, 0) < one.instance.window]
    if not roomy:
        return Unroutable(need=need, verdicts=verdicts(need, topology, load, now))
    return choose(need, rank(need, roomy, load, cursor, order), load, order)


def plan(need: Need, topology: Topology, now: datetime) -> Plan:
    """Return the plan for the need, cached until a rule ends."""
    return _planner(topology)(need, topology.period(now))


def verdicts(need: Need, topology: Topology, load: Load, now: datetime) -> tuple[Verdict, ...]:
    """Return for every instance whether it can run the job now, or the obstacle."""
    planned = plan(need, topology, now).verdicts
    pairs = zip(planned, topology.everyone, strict=True)
    return tuple(_with_load(need, verdict, instance, load) for verdict, instance in pairs)


def rank(
    need: Need,
    roomy: Sequence[Candidate],
    load: Load,
    cursor: int,
    order: ClusterOrder = ClusterOrder.LOCAL_FIRST,
) -> list[Candidate]:
    """Put those with the highest score first, then those of the clusters that come first, then
    those with the greatest free share of their window; the one that the need names before all.

    Equal ones keep the given order, rotated by `cursor`.
    """
    start = cursor % len(roomy)
    ranked = [*roomy[start:], *roomy[:start]]
    ranked.sort(key=lambda one: key(order, one.instance, load))
    if need.prefers:
        ranked.sort(key=lambda one: -score(need.prefers, one.instance))
    if need.first:
        ranked.sort(key=lambda one: one.instance.name != need.first)
    return ranked


def choose(
    need: Need,
    ranked: Sequence[Candidate],
    load: Load,
    order: ClusterOrder = ClusterOrder.LOCAL_FIRST,
) -> Route:
    """Choose the first one and say why."""
    instance, consumer = ranked[0].instance, ranked[0].consumer
    named = instance.name == need.first
    every = [] if named else [one.instance for one in ranked]
    why = "it is named" if named else why_first(need.prefers, every, order)
    return Route(
        instance=instance.name,
        task=consumer.task,
        queue=instance.queue,
        # A list is faster than a generator, and this is the warm path.
        candidates=tuple([one.instance.name for one in ranked]),
        reasons=(
            f"{instance.name} consumes {consumer.pattern.text} by {consumer.task}.",
            "It is on, and its rules allow the topic.",
            "It is ready.",
            f"It holds {load.get(instance.name, 0)} of {instance.window} jobs.",
            f"It comes first of {len(ranked)} with room: {why}.",
        ),
    )


# Few topologies are in use at once, the current one and its predecessors, and each is large.
@lru_cache(maxsize=4)
def _planner(topology: Topology) -> Callable[[Need, int], Plan]:
    @lru_cache(maxsize=64)
    def in_force(period: int) -> list[list[RoutingRule]]:
        rules = topology.rules_in(period)
        return [[rule for rule in rules if rule.applies_to(one)] for one in topology.everyone]

    @lru_cache(maxsize=1024)
    def planned(need: Need, period: int) -> Plan:
        return _make_plan(need, topology, period, in_force(period))

    return planned


def _make_plan(
    need: Need, topology: Topology, period: int, in_force: Sequence[Sequence[RoutingRule]]
) -> Plan:
    pairs = zip(topology.everyone, in_force, strict=True)
    judged = [(one, *_judge(need, one, rules)) for one, rules in pairs]
    able = [
        Candidate(instance=instance, consumer=consumer)
        for instance, consumer, verdict in judged
        if consumer is not None and verdict.can_run
    ]
    return Plan(
        candidates=tuple(sorted(able, key=lambda one: one.instance.name)),
        verdicts=tuple([verdict for _, _, verdict in judged]),
        until=topology.end_of(period),
    )


def _judge(
    need: Need, instance: InstanceInfo, rules: Sequence[RoutingRule]
) -> tuple[Consumer | None, Verdict]:
    consumer = consumer_for(instance, need.topic)
    reason = obstacle_to(need, instance, consumer, rules)
    task = consumer.task if consumer else None
    return consumer, Verdict(instance=instance.name, task=task, reason=reason)


def _with_load(need: Need, verdict: Verdict, instance: InstanceInfo, load: Load) -> Verdict:
    reason = None if verdict.reason else fits(need, instance, load.get(instance.name, 0))
    return replace(verdict, reason=reason) if reason else verdict
