"""The state of the cluster in numbers, for those who look: a constant number of statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.models import Lease
from offload.reading import cluster
from offload.reading.lines import InstanceLine, TopicLine
from offload.reading.stalls import Stall, stalls

if TYPE_CHECKING:
    from offload.reading.cluster import ClusterFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All instances and topics, and who leads."""

    instances: tuple[InstanceLine, ...]
    topics: tuple[TopicLine, ...]
    #: What does not go on by itself.
    stalls: tuple[Stall, ...]
    #: The name of the instance that leads, if one does.
    leader: str | None
    #: Every change of the leader raises it.
    term: int

    @property
    def waiting(self) -> int:
        """Return how many jobs wait for an instance or for their time."""
        return sum(line.waiting for line in self.topics)

    @property
    def later(self) -> int:
        """Return for how many of the waiting jobs the time has not come."""
        return sum(line.later for line in self.topics)

    @property
    def retrying(self) -> int:
        """Return how many of these wait for a retry."""
        return sum(line.retrying for line in self.topics)

    @property
    def due_in(self) -> float | None:
        """Return in how many seconds the first of these is due."""
        return min((line.due_in for line in self.topics if line.due_in is not None), default=None)

    @property
    def bound(self) -> int:
        """Return how many jobs are bound and not begun."""
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
    """Return everything at once."""
    seen, lease = cluster.now_here(), Lease.objects.filter(pk="leader").first()
    lines = _instances(seen)
    return Overview(
        instances=lines,
        topics=_topics(seen),
        stalls=stalls(seen),
        leader=next((line.name for line in lines if line.is_leader), None),
        term=lease.term if lease else 0,
    )


def instances() -> tuple[InstanceLine, ...]:
    """Return every instance, in the order they joined, those that are gone included."""
    return _instances(cluster.now_here())


def topics() -> tuple[TopicLine, ...]:
    """Return every topic and pattern that is consumed, waits, runs, or came lately, by name."""
    return _topics(cluster.without_rows())


def _instances(seen: ClusterFacts) -> tuple[InstanceLine, ...]:
    joined = sorted(seen.known, key=lambda one: one.joined)
    return tuple(seen.instance_line(one, InstanceLine) for one in joined)


def _topics(seen: ClusterFacts) -> tuple[TopicLine, ...]:
    known = sorted(seen.consumed | seen.counts.topics)
    return tuple(seen.topic_line(one, TopicLine) for one in known)
