"""Counts of waiting and running jobs by topic and instance, read by one statement."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from offload.core.placement.lanes import Lane
from offload.core.states import JobState
from offload.core.topics import is_topic
from offload.db import database
from offload.models import Job
from offload.models.indexes import BOUND, TIMED, WAITING, WAITING_SUSPECT, Predicate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

JOB = Job._meta.db_table
#: So many of the newest jobs are searched for further topics.
RECENT_JOBS = 1000
#: Jobs that wait for an instance; a partial index each.
WAITING_NOW = (WAITING, WAITING_SUSPECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """Jobs of a topic that are not due yet."""

    count: int
    #: How many of them wait for a retry.
    retrying: int
    #: Seconds until the first one is due.
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Counts of unfinished jobs, and the topics of the newest jobs."""

    #: Jobs that wait for an instance or for their time, by topic.
    waiting: Mapping[str, int] = field(default_factory=dict)
    #: Those among them that are not due yet and need no instance now, by topic.
    later: Mapping[str, Later] = field(default_factory=dict)
    #: Jobs that wait for an instance now, by topic and then queue.
    due_in: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    #: The same by lane.
    lanes: Mapping[Lane, int] = field(default_factory=dict)
    #: Bound jobs that have not begun, by instance and topic.
    queued: Mapping[tuple[str, str], int] = field(default_factory=dict)
    #: Running jobs, by instance and topic.
    active: Mapping[tuple[str, str], int] = field(default_factory=dict)
    recent: frozenset[str] = frozenset()

    @property
    def topics(self) -> frozenset[str]:
        """Return the topics of all counted jobs; leave out invalid ones in rows written by hand."""
        bound = (topic for _, topic in [*self.queued, *self.active])
        return frozenset(filter(is_topic, {*self.recent, *self.waiting, *bound}))

    def due(self, topic: str) -> int:
        """Return how many jobs of a topic wait for an instance now."""
        later = self.later.get(topic)
        return self.waiting.get(topic, 0) - (later.count if later else 0)

    def running_on(self, instance: str) -> int:
        """Return how many jobs an instance runs."""
        return self._sums["active", "instance"][instance]

    def bound_to(self, instance: str) -> int:
        """Return how many jobs are bound to an instance and not begun."""
        return self._sums["queued", "instance"][instance]

    def running(self, topic: str) -> int:
        """Return how many jobs of a topic run."""
        return self._sums["active", "topic"][topic]

    def bound(self, topic: str) -> int:
        """Return how many jobs of a topic are bound and not begun."""
        return self._sums["queued", "topic"][topic]

    @cached_property
    def _sums(self) -> Mapping[tuple[str, str], Counter[str]]:
        """Return the counts by instance and by topic, as every line needs them."""
        sums: dict[tuple[str, str], Counter[str]] = {}
        for state, places in (("queued", self.queued), ("active", self.active)):
            by_instance, by_topic = Counter[str](), Counter[str]()
            for (instance, topic), number in places.items():
                by_instance[instance] += number
                by_topic[topic] += number
            sums[state, "instance"], sums[state, "topic"] = by_instance, by_topic
        return sums


def count() -> Counts:
    """Read the counts from the database."""
    return _read(database.rows(f"{_waiting()} UNION ALL {_bound()} UNION ALL {_recent()}"))


def _waiting() -> str:
    return " UNION ALL ".join([*map(_now, WAITING_NOW), _timed()])


def _now(reason: Predicate) -> str:
    return (
        f"SELECT '{JobState.PENDING}', '', lane, count(*), 0.0 "
        f"FROM {JOB} WHERE {reason} GROUP BY lane"
    )


def _timed() -> str:
    """Return the SELECT for jobs with a time; the next sweep releases those that are due."""
    seconds = f"-{database.seconds_since('run_at')}"
    kind = (
        f"CASE WHEN run_at <= {database.now()} THEN '{JobState.PENDING}' "
        "WHEN attempts > 0 THEN 'RETRYING' ELSE 'DELAYED' END"
    )
    timed = f"SELECT {kind} AS kind, lane, {seconds} AS seconds FROM {JOB} WHERE {TIMED}"
    return (
        "SELECT kind, '', lane, count(*), CAST(min(seconds) AS double precision) "
        f"FROM ({timed}) AS timed GROUP BY kind, lane"
    )


def _bound() -> str:
    return (
        f"SELECT state, instance, topic, count(*), 0.0 FROM {JOB} "
        f"WHERE {BOUND} GROUP BY state, instance, topic"
    )


def _recent() -> str:
    newest = f"SELECT topic, kind FROM {JOB} ORDER BY created_at DESC LIMIT {RECENT_JOBS}"
    return (
        f"SELECT '', '', topic, count(*), 0.0 FROM ({newest}) AS newest "
        "WHERE kind = 'job' GROUP BY topic"
    )


def _read(rows: Iterable[tuple[str, str, str, int, float]]) -> Counts:
    waiting: Counter[str] = Counter()
    later: dict[str, Later] = {}
    places: dict[str, dict[tuple[str, str], int]] = {JobState.QUEUED: {}, JobState.ACTIVE: {}}
    recent = set()
    due_in: dict[str, Counter[str]] = {}
    lanes: Counter[Lane] = Counter()
    for kind, instance, what, number, seconds in rows:
        if kind in places:
            places[kind][instance, what] = int(number)
        elif kind:
            lane = Lane.parse(what)
            topic = lane.topic
            waiting[topic] += int(number)
            if kind == JobState.PENDING:
                due_in.setdefault(topic, Counter())[lane.queue] += int(number)
                lanes[lane] += int(number)
            else:
                later[topic] = _more(later.get(topic), kind, int(number), float(seconds))
        else:
            recent.add(what)
    return Counts(
        waiting=waiting,
        later=later,
        due_in=due_in,
        lanes=lanes,
        queued=places[JobState.QUEUED],
        active=places[JobState.ACTIVE],
        recent=frozenset(recent),
    )


def _more(known: Later | None, kind: str, count: int, seconds: float) -> Later:
    retrying = count if kind == "RETRYING" else 0
    if known is None:
        return Later(count=count, retrying=retrying, seconds=max(0.0, seconds))
    return Later(
        count=known.count + count,
        retrying=known.retrying + retrying,
        seconds=min(known.seconds, max(0.0, seconds)),
    )
