"""Stalls: waiting jobs that no instance can run, or that a suspended queue holds back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.placement.judgement import noted
from offload.core.placement.routing import Need, plan
from offload.core.policies import policy_for
from offload.core.topics import is_topic
from offload.reading.cluster.cells import cell_of
from offload.reading.waiting import outlooks, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.placement.topology import InstanceInfo
    from offload.core.policies import Policy
    from offload.reading.cluster.facts import ClusterFacts

NO_CONSUMER = "No instance has a consumer for {topic}."
START = "Start a worker that has a consumer for it, or restart the workers with code that has one."

#: Maximum number of instances that are behind and searched for topics with problems.
EXAMINED_INSTANCES_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """Jobs that wait for somebody to act, with the reason and the next step."""

    #: A topic, or a suspended queue.
    topic: str = ""
    queue: str = ""
    #: The number of jobs that wait now.
    count: int
    why: str
    next_step: str


def stalls(facts: ClusterFacts) -> tuple[Stall, ...]:
    """Return the stalls: topics that no instance can run, then suspended queues."""
    return (*_stranded(facts), *_suspended(facts))


def holding(facts: ClusterFacts, topic: str) -> Policy | None:
    """Return the suspended queue of a topic's jobs, even if it has no jobs now."""
    suspended = {policy.name: policy for policy in facts.policies if policy.suspended}
    if due := facts.counts.due_in.get(topic):
        return next((suspended[queue] for queue in sorted(due) if queue in suspended), None)
    return suspended.get(policy_for(topic, facts.policies).name)


def has_problem(facts: ClusterFacts, topic: str) -> bool:
    """Tell whether jobs of a topic failed lately, stand still, or fare by rules not yet applied."""
    if topic in facts.failed:
        return True
    if facts.counts.due(topic) and (holding(facts, topic) or not facts.can_anyone(topic)):
        return True
    return any(cell_of(facts, topic, one).differs for one in _behind(facts))


def _behind(facts: ClusterFacts) -> list[InstanceInfo]:
    return [one for one in facts.topology.live if one.name in facts.behind][:EXAMINED_INSTANCES_MAX]


def _stranded(facts: ClusterFacts) -> Iterator[Stall]:
    for topic in sorted(facts.counts.due_in):
        if is_topic(topic) and not facts.can_anyone(topic):
            yield _stall(facts, topic)


def _stall(facts: ClusterFacts, topic: str) -> Stall:
    need = Need(topic=topic)
    found = plan(need, facts.topology, facts.now).verdicts if facts.topology.present else ()
    judged = verdicts.judged(found, facts.lines)
    return Stall(
        topic=topic,
        count=facts.counts.due(topic),
        why=verdicts.details(judged) or NO_CONSUMER.format(topic=topic),
        next_step=verdicts.next_step(topic, judged) or START,
    )


def _suspended(facts: ClusterFacts) -> Iterator[Stall]:
    for policy in facts.policies:
        if policy.suspended:
            yield Stall(
                queue=policy.name,
                count=sum(due.get(policy.name, 0) for due in facts.counts.due_in.values()),
                why=noted(f"Queue {policy.name} is suspended", policy.note),
                next_step=outlooks.resume(policy),
            )
