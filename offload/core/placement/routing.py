"""The choice of the instance for a job: capable → allowed → alive → fits → rank → choose.

Values in, a value out. Who can run it is planned once per need and topology; who comes first by
load is kept in order by `Loads`. Reasons are made when they are asked for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.core.placement.cluster_order import has_room, precedence, share, why_first
from offload.core.placement.judgement import Need, consumer_for, judge_rules
from offload.core.placement.loads import Loads
from offload.core.placement.planning import Candidate, Plan, plan, verdicts
from offload.core.placement.reasons import Obstacle, Verdict, all_unmet
from offload.core.policies import ClusterOrder
from offload.core.states import Waiting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from offload.core.placement.topology import Topology

__all__ = [
    "Candidate",
    "Loads",
    "Need",
    "Plan",
    "Route",
    "Unroutable",
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
    # The facts that it was chosen by.
    plan: Plan = field(repr=False, compare=False)
    loads: Loads = field(repr=False, compare=False)
    order: ClusterOrder = field(repr=False, compare=False)

    @property
    def has_choice(self) -> bool:
        """Tell whether other instances have room, too."""
        return self.loads.has_choice(self.plan, self.order)

    @property
    def candidates(self) -> tuple[str, ...]:
        """Return all instances that could run it now, the best first."""
        return tuple(one.instance.name for one in self._ranked())

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why this one, one sentence per step."""
        ranked, need = self._ranked(), self.plan.need
        instance, consumer = ranked[0].instance, ranked[0].consumer
        every = [one.instance for one in ranked]
        named = instance.name == need.first
        why = "it is named" if named else why_first(need.prefers, every, self.order)
        return (
            f"{instance.name} consumes {consumer.pattern.text} by {consumer.task}.",
            "It is on, and its rules allow the topic.",
            "It is ready.",
            f"It holds {self.loads.get(instance.name, 0)} of {instance.window} jobs.",
            f"It comes first of {len(ranked)} with room: {why}.",
        )

    def _ranked(self) -> list[Candidate]:
        roomy = [one for one in self.plan.candidates if has_room(one.instance, self.loads)]
        return rank(self.plan.need, roomy, self.loads, self.order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unroutable:
    """The decision that no instance can run it now, with a reason per instance."""

    need: Need
    plan: Plan = field(repr=False, compare=False)
    loads: Loads = field(repr=False, compare=False)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Return the obstacle on each instance."""
        return self.plan.verdicts_with(self.loads)

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


def route(
    need: Need,
    topology: Topology,
    load: Mapping[str, int],
    *,
    now: datetime,
    order: ClusterOrder = ClusterOrder.LOCAL_FIRST,
) -> Route | Unroutable:
    """Choose the instance that runs the job, or say why none can.

    `load` is the number of bound jobs by instance name; `Loads` of earlier decisions are fastest.
    Equal instances come in the order of their names, so that they take turns as their loads grow.
    `order` is that of the job's queue.
    """
    planned = plan(need, topology, now)
    loads = load if isinstance(load, Loads) else Loads(load)
    first = loads.first(planned, order)
    if first is None:
        return Unroutable(need=need, plan=planned, loads=loads)
    return Route(
        instance=first.instance.name,
        task=first.consumer.task,
        queue=first.instance.queue,
        plan=planned,
        loads=loads,
        order=order,
    )


def rank(
    need: Need,
    roomy: Sequence[Candidate],
    load: Mapping[str, int],
    order: ClusterOrder = ClusterOrder.LOCAL_FIRST,
) -> list[Candidate]:
    """Put the one that the need names first, then those with the highest score, then those of the
    clusters that come first, then those with the greatest free share of their window.

    Equal ones keep the given order.
    """
    return sorted(
        roomy,
        key=lambda one: (precedence(need, one.instance, order), share(one.instance, load)),
    )
