"""The state of the cluster in numbers, for those who look: a constant number of statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from offload.core.routing import Need, plan
from offload.core.topology import Mode
from offload.engine import counts
from offload.engine.topology import Snapshot, instance_of, now, snapshot
from offload.models import Instance, Job, Lease, Switch

if TYPE_CHECKING:
    from offload.core.topology import Consumer
    from offload.core.topology import Instance as InstanceValue

#: So many of the newest jobs are looked through for topics that are known without a consumer.
RECENT = 1000

#: Stands for any segment where a pattern is asked who would run a topic of it.
ANY = "_"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceLine:
    """One instance, as it is now."""

    name: str
    mode: Mode
    #: Switched off as a whole by an operator.
    is_off: bool
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicLine:
    """One topic, or one pattern that an instance consumes."""

    topic: str
    #: Jobs that wait for an instance or for their time.
    waiting: int
    #: Jobs that occupy a place in a window; those that run are among them.
    bound: int
    #: Jobs that run.
    active: int
    #: Instances that can and may run it, whether they have room or not.
    can_run: int

    @property
    def is_pattern(self) -> bool:
        """Tell whether it stands for many topics."""
        return "*" in self.topic


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
    def bound(self) -> int:
        """Return how many jobs occupy a place in a window."""
        return sum(line.bound for line in self.topics)

    @property
    def active(self) -> int:
        """Return how many jobs run."""
        return sum(line.active for line in self.topics)

    @property
    def ready(self) -> int:
        """Return how many instances take work."""
        return sum(line.mode is Mode.READY and not line.is_off for line in self.instances)


def overview() -> Overview:
    """Return everything at once."""
    lines, lease = instances(), _lease()
    return Overview(
        instances=lines,
        topics=topics(),
        leader=next((line.name for line in lines if line.is_leader), None),
        term=lease.term if lease else 0,
    )


def instances() -> tuple[InstanceLine, ...]:
    """Return every instance, in the order they joined, those that are gone included."""
    age = ExpressionWrapper(Now() - F("beat_at"), output_field=DurationField())
    off = set(Switch.objects.values_list("pk", flat=True))
    lease, places = _lease(), counts.bound()
    bound, running = counts.per("instance", places), counts.per("instance", counts.running(places))
    leader = lease.incarnation if lease else None
    return tuple(
        _instance_line(
            row,
            instance_of(row, off=off, leader=leader),
            bound=bound[row.name],
            running=running[row.name],
        )
        for row in Instance.objects.annotate(age=age).order_by("joined")
    )


def topics() -> tuple[TopicLine, ...]:
    """Return every topic and pattern that is consumed, waits, runs, or came lately, by name."""
    seen, places = snapshot(fresh=True), counts.bound()
    waiting, bound = counts.per("topic", counts.waiting()), counts.per("topic", places)
    active = counts.per("topic", counts.running(places))
    known = {*_consumed(seen), *waiting, *bound, *_recent()}
    return tuple(
        TopicLine(
            topic=topic,
            waiting=waiting[topic],
            bound=bound[topic],
            active=active[topic],
            can_run=_can_run(topic, seen),
        )
        for topic in sorted(known)
    )


def _instance_line(row: Instance, one: InstanceValue, *, bound: int, running: int) -> InstanceLine:
    age = row.age  # type: ignore[attr-defined]
    return InstanceLine(
        name=one.name,
        mode=one.mode,
        is_off=one.is_off,
        beat_age_seconds=max(0.0, age.total_seconds()),
        concurrency=one.concurrency,
        window=one.window,
        running=running,
        bound=bound,
        consumers=one.consumers,
        is_leader=one.is_leader and one.is_live,
        joined=one.joined,
        labels=tuple(sorted(one.labels)),
        host=row.host,
        pid=row.pid,
    )


def _lease() -> Lease | None:
    found: Lease | None = Lease.objects.filter(pk="leader").first()
    return found


def _recent() -> set[str]:
    newest = Job.objects.newest_first().values("topic")[:RECENT]
    return {row["topic"] for row in newest}


def _consumed(seen: Snapshot) -> set[str]:
    return {one.pattern.text for instance in seen.topology.live for one in instance.consumers}


def _can_run(topic: str, seen: Snapshot) -> int:
    """Count the candidates; a pattern is asked by a topic of it that nothing names exactly."""
    example = "/".join(ANY if "*" in segment else segment for segment in topic.split("/"))
    return len(plan(Need(topic=example), seen.topology, now()).candidates)
