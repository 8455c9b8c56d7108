"""How many jobs wait and run, by topic and instance: one statement, whatever there is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.engine.tracking.drafts import of_lane
from offload.models import Job, database

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

JOB = Job._meta.db_table
#: So many of the newest jobs are looked through for topics that nothing else tells of.
RECENT = 1000
#: Why a job waits for an instance or for its time; a partial index each.
REASONS = (
    "hold = '' AND run_at IS NULL",
    "hold = 'suspect' AND run_at IS NULL",
    "run_at IS NOT NULL",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Jobs that are not final, and the topics of the newest ones."""

    #: Those that wait for an instance or for their time, by topic.
    waiting: Mapping[str, int] = field(default_factory=dict)
    #: Those that are bound and not begun, by instance and topic.
    queued: Mapping[tuple[str, str], int] = field(default_factory=dict)
    #: Those that run, by instance and topic.
    active: Mapping[tuple[str, str], int] = field(default_factory=dict)
    recent: frozenset[str] = frozenset()

    @property
    def topics(self) -> frozenset[str]:
        """Return every topic there is a job of."""
        return self.recent | {*self.waiting, *(topic for _, topic in [*self.queued, *self.active])}

    def running_on(self, instance: str) -> int:
        """Return how many jobs an instance runs."""
        return sum(count for (name, _), count in self.active.items() if name == instance)

    def bound_to(self, instance: str) -> int:
        """Return how many jobs occupy an instance's window."""
        queued = sum(count for (name, _), count in self.queued.items() if name == instance)
        return queued + self.running_on(instance)

    def running(self, topic: str) -> int:
        """Return how many jobs of a topic run."""
        return sum(count for (_, one), count in self.active.items() if one == topic)

    def bound(self, topic: str) -> int:
        """Return how many jobs of a topic are bound and not begun."""
        return sum(count for (_, one), count in self.queued.items() if one == topic)


def count() -> Counts:
    """Ask the database."""
    return _read(database.rows(f"{_waiting()} UNION ALL {_bound()} UNION ALL {_recent()}"))


def _waiting() -> str:
    return " UNION ALL ".join(
        f"SELECT 'PENDING', '', lane, count(*) FROM {JOB} "
        f"WHERE state = 'PENDING' AND {reason} GROUP BY lane"
        for reason in REASONS
    )


def _bound() -> str:
    return (
        f"SELECT state, instance, topic, count(*) FROM {JOB} "
        "WHERE state IN ('QUEUED', 'ACTIVE') GROUP BY state, instance, topic"
    )


def _recent() -> str:
    newest = f"SELECT topic, kind FROM {JOB} ORDER BY created_at DESC LIMIT {RECENT}"
    return (
        f"SELECT '', '', topic, count(*) FROM ({newest}) AS newest "
        "WHERE kind = 'job' GROUP BY topic"
    )


def _read(rows: Iterable[tuple[str, str, str, int]]) -> Counts:
    waiting: Counter[str] = Counter()
    places: dict[str, dict[tuple[str, str], int]] = {"QUEUED": {}, "ACTIVE": {}}
    recent = set()
    for state, instance, what, number in rows:
        if state in places:
            places[state][instance, what] = int(number)
        elif state:
            waiting[of_lane(what)[2]] += int(number)
        else:
            recent.add(what)
    return Counts(
        waiting=waiting,
        queued=places["QUEUED"],
        active=places["ACTIVE"],
        recent=frozenset(recent),
    )
