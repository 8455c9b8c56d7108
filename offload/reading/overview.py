"""The state of the cluster in numbers, read by a constant number of statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.models import Lease
from offload.reading.cluster.facts import now_here, without_rows
from offload.reading.cluster.lines import InstanceLine, TopicLine
from offload.reading.cluster.members import member
from offload.reading.waiting.stalls import Stall, stalls

if TYPE_CHECKING:
    from offload.core.placement.topology import InstanceInfo
    from offload.reading.cluster.facts import ClusterFacts
    from offload.reading.cluster.members import Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All instances and topics, and the leader."""

    instances: tuple[InstanceLine, ...]
    topics: tuple[TopicLine, ...]
    #: Jobs that wait for somebody to act.
    stalls: tuple[Stall, ...]
    #: The name of the leading instance; None without a leader.
    leader: str | None
    #: Every new leader raises it.
    term: int

    @property
    def waiting(self) -> int:
        """Return how many jobs wait for an instance or for their time."""
        return sum(line.waiting for line in self.topics)

    @property
    def later(self) -> int:
        """Return how many of the waiting jobs are not due yet."""
        return sum(line.later for line in self.topics)

    @property
    def retrying(self) -> int:
        """Return how many of these wait for a retry."""
        return sum(line.retrying for line in self.topics)

    @property
    def due_in(self) -> float | None:
        """Return the seconds until the first of these is due."""
        return min((line.due_in for line in self.topics if line.due_in is not None), default=None)

    @property
    def bound(self) -> int:
        """Return how many jobs are bound and have not begun."""
        return sum(line.bound for line in self.topics)

    @property
    def active(self) -> int:
        """Return how many jobs run."""
        return sum(line.active for line in self.topics)

    @property
    def ready(self) -> int:
        """Return how many instances take work."""
        return sum(one.takes_work for one in self.instances)


def overview() -> Overview:
    """Read the overview."""
    facts, lease = now_here(), Lease.objects.filter(pk="leader").first()
    lines = _instances(facts)
    return Overview(
        instances=lines,
        topics=_topics(facts),
        stalls=stalls(facts),
        leader=next((line.name for line in lines if line.is_leader), None),
        term=lease.term if lease else 0,
    )


def instances() -> tuple[Member, ...]:
    """Return every instance, including gone ones, in the order in which they joined."""
    facts = now_here()
    return tuple(member(facts, one) for one in _joined(facts))


def topics() -> tuple[TopicLine, ...]:
    """Return every topic and pattern of consumers and of unfinished or recent jobs, by name."""
    return _topics(without_rows())


def _instances(facts: ClusterFacts) -> tuple[InstanceLine, ...]:
    return tuple(facts.instance_line(one, InstanceLine) for one in _joined(facts))


def _joined(facts: ClusterFacts) -> list[InstanceInfo]:
    return sorted(facts.known, key=lambda one: one.joined)


def _topics(facts: ClusterFacts) -> tuple[TopicLine, ...]:
    known = sorted(facts.consumed | facts.counts.topics)
    return tuple(facts.topic_line(one, TopicLine) for one in known)
