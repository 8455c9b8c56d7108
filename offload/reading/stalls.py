"""Jobs that stand still: they wait now, and nobody can run them or a queue holds them back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.placement.judgement import noted
from offload.core.placement.routing import Need, plan
from offload.core.policies import policy_for
from offload.core.topics import is_topic
from offload.reading import outlooks, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.policies import Policy
    from offload.reading.cluster import ClusterFacts

NO_CONSUMER = "No instance has a consumer for {topic}."
START = "Start a worker that has a consumer for it, or restart the workers with code that has one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """Jobs that do not go on by themselves, why, and what to do."""

    #: A topic, or a queue that is suspended.
    topic: str = ""
    queue: str = ""
    #: Jobs that wait now.
    count: int
    why: str
    next_step: str


def stalls(seen: ClusterFacts) -> tuple[Stall, ...]:
    """Return what stands still: topics that nobody can run, then queues that are suspended."""
    return (*_stranded(seen), *_suspended(seen))


def holding(seen: ClusterFacts, topic: str) -> Policy | None:
    """Return the suspended queue that holds jobs of a topic back, or would if there were any."""
    suspended = {policy.name: policy for policy in seen.policies if policy.suspended}
    if due := seen.counts.due_in.get(topic):
        return next((suspended[queue] for queue in sorted(due) if queue in suspended), None)
    return suspended.get(policy_for(topic, seen.policies).name)


def _stranded(seen: ClusterFacts) -> Iterator[Stall]:
    for topic in sorted(seen.counts.due_in):
        if is_topic(topic) and not seen.can_anyone(topic):
            yield _told(seen, topic)


def _told(seen: ClusterFacts, topic: str) -> Stall:
    need = Need(topic=topic)
    found = plan(need, seen.topology, seen.now).verdicts if seen.topology.live else ()
    told = verdicts.judged(found, seen.lines)
    return Stall(
        topic=topic,
        count=seen.counts.due(topic),
        why=verdicts.details(told) or NO_CONSUMER.format(topic=topic),
        next_step=verdicts.next_step(topic, told) or START,
    )


def _suspended(seen: ClusterFacts) -> Iterator[Stall]:
    for policy in seen.policies:
        if policy.suspended:
            yield Stall(
                queue=policy.name,
                count=sum(due.get(policy.name, 0) for due in seen.counts.due_in.values()),
                why=noted(f"Queue {policy.name} is suspended", policy.note),
                next_step=outlooks.resume(policy),
            )
