"""The part of a decision that does not depend on load: who can and may run a job.

It is made once per need and topology.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from offload.core.matching.preferences import INDIFFERENT
from offload.core.placement.affinity import Avoidance
from offload.core.placement.judgement import Need, best_consumer, consumer_for, fits, obstacle_to
from offload.core.placement.reasons import Obstacle, Verdict
from offload.core.placement.topology import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from offload.core.matching.consumers import Consumer
    from offload.core.matching.preferences import Preferences
    from offload.core.placement.topology import InstanceInfo, RoutingRule, Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An instance that runs the job if it has room, with its consumer."""

    instance: InstanceInfo
    consumer: Consumer


# These two are compared by identity: they are keys of what is remembered, and large.
@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Instances that can run the same jobs, in the order of their names."""

    instances: tuple[InstanceInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """The instances that can and may run a job, whatever their load."""

    need: Need
    # In the order of their names.
    candidates: tuple[Candidate, ...]
    # Their instances: one value for all needs that the same ones can run.
    group: Group
    # The instances of the topology, and in the same order the verdict on each.
    instances: tuple[InstanceInfo, ...]
    verdicts: tuple[Verdict, ...]
    # The time at which a rule ends and the plan may change.
    until: datetime | None

    def verdicts_with(self, load: Mapping[str, int]) -> tuple[Verdict, ...]:
        """Return for every instance whether it can run the job with this load, or the obstacle."""
        pairs = zip(self.verdicts, self.instances, strict=True)
        return tuple([_with_load(self.need, verdict, one, load) for verdict, one in pairs])


def plan(need: Need, topology: Topology, now: datetime) -> Plan:
    """Return the plan for the need, cached until a rule ends."""
    return _planner(topology)(need, topology.period(now))


def verdicts(
    need: Need, topology: Topology, load: Mapping[str, int], now: datetime
) -> tuple[Verdict, ...]:
    """Return for every instance whether it can run the job now, or the obstacle."""
    return plan(need, topology, now).verdicts_with(load)


# Few topologies are in use at once, the current one and its predecessors, and each is large.
@lru_cache(maxsize=4)
def _planner(topology: Topology) -> Callable[[Need, int], Plan]:
    groups: dict[tuple[str, ...], Group] = {}

    @lru_cache(maxsize=64)
    def in_force(period: int) -> list[list[RoutingRule]]:
        return applicable(topology.rules_in(period), topology.everyone)

    @lru_cache(maxsize=1024)
    def planned(need: Need, period: int) -> Plan:
        rules = in_force(period)
        made = _make_plan(need, topology, period, rules, groups)
        if not isinstance(need.affinity, Avoidance) or made.candidates or _is_any_starting(made):
            return made
        # No other instance can run it.
        return _make_plan(replace(need, affinity=None), topology, period, rules, groups)

    return planned


def _is_any_starting(made: Plan) -> bool:
    """Tell whether an instance will be able to run a job in a moment: none starts for long."""
    return any(one.reason and one.reason.obstacle is Obstacle.STARTING for one in made.verdicts)


def _make_plan(
    need: Need,
    topology: Topology,
    period: int,
    in_force: Sequence[Sequence[RoutingRule]],
    groups: dict[tuple[str, ...], Group],
) -> Plan:
    pairs = zip(topology.everyone, in_force, strict=True)
    judged = [(one, *_judge(need, one, rules)) for one, rules in pairs]
    able = [
        Candidate(instance=instance, consumer=consumer)
        for instance, consumer, verdict in judged
        if consumer is not None and verdict.can_run
    ]
    able.sort(key=lambda one: one.instance.name)
    names = tuple([one.instance.name for one in able])
    group = Group(tuple([one.instance for one in able]))
    return Plan(
        need=need,
        instances=topology.everyone,
        candidates=tuple(able),
        group=groups.setdefault(names, group),
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


def _with_load(
    need: Need, verdict: Verdict, instance: InstanceInfo, load: Mapping[str, int]
) -> Verdict:
    reason = None if verdict.reason else fits(need, instance, load.get(instance.name, 0))
    return replace(verdict, reason=reason) if reason else verdict


def applicable(
    rules: Sequence[RoutingRule], instances: Sequence[InstanceInfo]
) -> list[list[RoutingRule]]:
    """Return for each instance the rules that name it, in the order of the rules.

    Not every rule is asked about every instance.
    """
    names: defaultdict[str, list[int]] = defaultdict(list)
    labels: defaultdict[str, list[int]] = defaultdict(list)
    globs: defaultdict[str, list[int]] = defaultdict(list)
    tables = {Scope.INSTANCE: names, Scope.LABEL: labels, Scope.GLOB: globs}
    for place, rule in enumerate(rules):
        tables[rule.scope][rule.target].append(place)
    found = []
    for one in instances:
        places = [*names.get(one.name, ())]
        for label in one.labels:
            places += labels.get(label, ())
        for each in globs.values():
            if rules[each[0]].applies_to(one):
                places += each
        found.append([rules[place] for place in sorted(places)])
    return found


def preferences_of(topic: str, topology: Topology) -> Preferences:
    """Return the preferences of the consumer of a topic: of several versions, the first one's."""
    return _preferring(topology)(topic)


# Few topologies are in use at once. Instances with the same consumers share one tuple of them.
@lru_cache(maxsize=4)
def _preferring(topology: Topology) -> Callable[[str], Preferences]:
    tuples = {id(one.consumers): one.consumers for one in topology.everyone}
    with_some = [each for each in tuples.values() if any(one.prefers for one in each)]
    if not with_some:
        return lambda _: INDIFFERENT

    @lru_cache(maxsize=1024)
    def found(topic: str) -> Preferences:
        consumers = (best_consumer(each, topic) for each in with_some)
        return next((one.prefers for one in consumers if one and one.prefers), INDIFFERENT)

    return found
