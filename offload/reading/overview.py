"""The state of the cluster in numbers, for those who look: a constant number of statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from offload.conf import settings
from offload.core.placement.routing import Need, plan
from offload.core.placement.topology import Mode
from offload.fleet.row_values import instance_of
from offload.fleet.snapshots import Snapshot, now, snapshot
from offload.models import Instance, Lease, Switch
from offload.reading.counts import count

if TYPE_CHECKING:
    from offload.core.placement.topology import Consumer
    from offload.core.placement.topology import Instance as InstanceValue
    from offload.reading.counts import Counts

#: Stands for any segment where a pattern is asked who would run a topic of it.
ANY = "_"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceLine:
    """One instance, as it is now."""

    name: str
    mode: Mode
    #: Switched off as a whole by an operator.
    is_off: bool
    #: Why it was switched off.
    off_note: str
    #: By the database's clock.
    beat_age_seconds: float
    #: Jobs it runs at once.
    concurrency: int
    #: Jobs it may hold at once.
    window: int
    #: Jobs it runs.
    running: int
    #: Jobs that occupy its window; those it runs are among them.
    bound: int
    consumers: tuple[Consumer, ...]
    is_leader: bool
    #: Its place in the order of joining.
    joined: int
    labels: tuple[str, ...]
    host: str
    pid: int
    #: Why it is gone; empty for one that is here.
    gone_because: str = ""
    said_goodbye: bool = False

    @property
    def is_silent(self) -> bool:
        """Tell whether it is taken to be here, and has not beat for so long that it cannot be."""
        return self.mode is not Mode.GONE and self.beat_age_seconds > settings().timeout

    @property
    def has_died(self) -> bool:
        """Tell whether it is gone without a goodbye."""
        return self.mode is Mode.GONE and not self.said_goodbye


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicLine:
    """One topic, or one pattern that an instance consumes."""

    topic: str
    #: Jobs that wait for an instance or for their time.
    waiting: int
    #: Jobs that are bound and not begun.
    bound: int
    #: Jobs that run.
    active: int
    #: Instances that can and may run it, whether they have room or not.
    can_run: int
    #: Those of the waiting jobs whose time has not come: delayed, or before a retry.
    later: int = 0
    #: Those of them that wait for a retry.
    retrying: int = 0
    #: Seconds until the first of them is due; None where there is none.
    due_in: float | None = None

    @property
    def is_stranded(self) -> bool:
        """Tell whether jobs wait for an instance now, and none can run them."""
        return self.waiting > self.later and not self.can_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All instances and topics, and who leads."""

    instances: tuple[InstanceLine, ...]
    topics: tuple[TopicLine, ...]
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
        ready = (one for one in self.instances if one.mode is Mode.READY and not one.is_off)
        return sum(not one.is_silent for one in ready)


def overview() -> Overview:
    """Return everything at once."""
    lease, counts = _lease(), count()
    lines = _instances(lease, counts)
    return Overview(
        instances=lines,
        topics=_topics(counts),
        leader=next((line.name for line in lines if line.is_leader), None),
        term=lease.term if lease else 0,
    )


def instances() -> tuple[InstanceLine, ...]:
    """Return every instance, in the order they joined, those that are gone included."""
    return _instances(_lease(), count())


def topics() -> tuple[TopicLine, ...]:
    """Return every topic and pattern that is consumed, waits, runs, or came lately, by name."""
    return _topics(count())


def _instances(lease: Lease | None, counts: Counts) -> tuple[InstanceLine, ...]:
    age = ExpressionWrapper(Now() - F("beat_at"), output_field=DurationField())
    off = dict(Switch.objects.values_list("pk", "note"))
    leader = lease.incarnation if lease else None
    found = Instance.objects.annotate(age=age).order_by("joined")
    return tuple(
        _instance_line(row, instance_of(row, off=off, leader=leader), counts) for row in found
    )


def _topics(counts: Counts) -> tuple[TopicLine, ...]:
    seen = snapshot(fresh=True)
    return tuple(_topic(topic, counts, seen) for topic in sorted(_consumed(seen) | counts.topics))


def _topic(topic: str, counts: Counts, seen: Snapshot) -> TopicLine:
    later = counts.later.get(topic)
    return TopicLine(
        topic=topic,
        waiting=counts.waiting.get(topic, 0),
        bound=counts.bound(topic),
        active=counts.running(topic),
        can_run=_can_run(topic, seen),
        later=later.count if later else 0,
        retrying=later.retrying if later else 0,
        due_in=round(later.seconds, 3) if later else None,
    )


def _instance_line(row: Instance, one: InstanceValue, counts: Counts) -> InstanceLine:
    age = row.age  # type: ignore[attr-defined]
    return InstanceLine(
        name=one.name,
        mode=one.mode,
        is_off=one.is_off,
        off_note=one.off_note,
        beat_age_seconds=max(0.0, age.total_seconds()),
        concurrency=one.concurrency,
        window=one.window,
        running=counts.running_on(one.name),
        bound=counts.bound_to(one.name),
        consumers=one.consumers,
        is_leader=one.is_leader and one.is_live,
        joined=one.joined,
        labels=tuple(sorted(one.labels)),
        host=row.host,
        pid=row.pid,
        gone_because=row.gone_because if one.mode is Mode.GONE else "",
        said_goodbye=one.said_goodbye,
    )


def _lease() -> Lease | None:
    found: Lease | None = Lease.objects.filter(pk="leader").first()
    return found


def _consumed(seen: Snapshot) -> set[str]:
    return {one.pattern.text for instance in seen.topology.live for one in instance.consumers}


def _can_run(topic: str, seen: Snapshot) -> int:
    """Count the candidates; a pattern is asked by a topic of it that nothing names exactly."""
    example = "/".join(ANY if "*" in segment else segment for segment in topic.split("/"))
    return len(plan(Need(topic=example), seen.topology, now()).candidates)
