"""The state of the cluster in numbers, for those who look: a constant number of statements."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from offload.core.routing import Need, plan
from offload.core.topics import Pattern
from offload.core.topology import Consumer, Mode
from offload.engine.topology import Snapshot, now, snapshot
from offload.engine.tracking.drafts import of_lane
from offload.models import Instance, Job, Lease, Switch, database

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

JOB = Job._meta.db_table

#: So many of the newest jobs are looked through for topics that are known without a consumer.
RECENT = 1000

#: Stands for any segment where a pattern is asked who would run a topic of it.
ANY = "_"

#: Jobs that occupy a place in a window, by instance, topic and state.
Places: TypeAlias = "Mapping[tuple[str, str, str], int]"


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
    lease, places = _lease(), _places()
    leader = lease.incarnation if lease else ""
    found = Instance.objects.annotate(age=age).order_by("joined")
    return tuple(_instance_line(row, off=off, leader=leader, places=places) for row in found)


def topics() -> tuple[TopicLine, ...]:
    """Return every topic and pattern that is consumed, waits, runs, or came lately, by name."""
    seen, waiting, places = snapshot(fresh=True), _waiting(), _places()
    bound = _by_topic(places)
    active = _by_topic({key: count for key, count in places.items() if key[2] == "ACTIVE"})
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


def _instance_line(
    row: Instance, *, off: Iterable[str], leader: str, places: Places
) -> InstanceLine:
    mine = {key: count for key, count in places.items() if key[0] == row.name}
    age = row.age  # type: ignore[attr-defined]
    return InstanceLine(
        name=row.name,
        mode=Mode(row.mode),
        is_off=row.name in off,
        beat_age_seconds=max(0.0, age.total_seconds()),
        concurrency=row.concurrency,
        window=row.window,
        running=sum(count for key, count in mine.items() if key[2] == "ACTIVE"),
        bound=sum(mine.values()),
        consumers=tuple(
            Consumer(pattern=Pattern.parse(pattern), task=task, ranking=ranking)
            for pattern, task, ranking in row.consumers
        ),
        is_leader=row.incarnation == leader and row.mode != Mode.GONE,
        joined=row.joined,
        labels=tuple(row.labels),
        host=row.host,
        pid=row.pid,
    )


def _lease() -> Lease | None:
    found: Lease | None = Lease.objects.filter(pk="leader").first()
    return found


def _places() -> Places:
    """Count what occupies windows, by the partial index on just these rows."""
    found = database.rows(
        f"SELECT instance, topic, state, count(*) FROM {JOB} "
        "WHERE state IN ('QUEUED', 'ACTIVE') GROUP BY instance, topic, state"
    )
    return {(instance, topic, state): int(count) for instance, topic, state, count in found}


def _waiting() -> Counter[str]:
    """Count what waits, by one partial index per reason to wait."""
    reasons = (
        "hold = '' AND run_at IS NULL",
        "hold = 'suspect' AND run_at IS NULL",
        "run_at IS NOT NULL",
    )
    found = database.rows(
        " UNION ALL ".join(
            f"SELECT lane, count(*) FROM {JOB} WHERE state = 'PENDING' AND {reason} GROUP BY lane"
            for reason in reasons
        )
    )
    counts: Counter[str] = Counter()
    for lane, count in found:
        counts[of_lane(lane)[2]] += int(count)
    return counts


def _by_topic(places: Places) -> Counter[str]:
    counts: Counter[str] = Counter()
    for (_, topic, _), count in places.items():
        counts[topic] += count
    return counts


def _recent() -> set[str]:
    newest = Job.objects.newest_first().values("topic")[:RECENT]
    return {row["topic"] for row in newest}


def _consumed(seen: Snapshot) -> set[str]:
    return {one.pattern.text for instance in seen.topology.live for one in instance.consumers}


def _can_run(topic: str, seen: Snapshot) -> int:
    """Count the candidates; a pattern is asked by a topic of it that nothing names exactly."""
    example = "/".join(ANY if "*" in segment else segment for segment in topic.split("/"))
    return len(plan(Need(topic=example), seen.topology, now()).candidates)
