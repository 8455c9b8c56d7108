"""How many jobs wait, and how many are bound where; each by the indexes on just those rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.states import JobState
from offload.engine.tracking.drafts import of_lane
from offload.models import Job, database

if TYPE_CHECKING:
    from collections.abc import Iterable

JOB = Job._meta.db_table

#: Why PENDING jobs wait for an instance or for their time; each has its partial index.
REASONS = (
    "hold = '' AND run_at IS NULL",
    "hold = 'suspect' AND run_at IS NULL",
    "run_at IS NOT NULL",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """So many jobs of one lane, in one state, at one instance."""

    lane: str
    state: JobState
    count: int
    #: Empty where they wait.
    instance: str = ""

    @property
    def queue(self) -> str:
        """Return the name of their queue."""
        return of_lane(self.lane)[0]

    @property
    def topic(self) -> str:
        """Return their topic."""
        return of_lane(self.lane)[2]


def waiting() -> tuple[Tally, ...]:
    """Count the jobs that wait for an instance or for their time."""
    found = database.rows(
        " UNION ALL ".join(
            f"SELECT lane, count(*) FROM {JOB} WHERE state = 'PENDING' AND {reason} GROUP BY lane"
            for reason in REASONS
        )
    )
    return tuple(
        Tally(lane=lane, state=JobState.PENDING, count=int(count)) for lane, count in found
    )


def bound() -> tuple[Tally, ...]:
    """Count the jobs that occupy a place in a window: bound or running."""
    found = database.rows(
        f"SELECT lane, state, instance, count(*) FROM {JOB} "
        "WHERE state IN ('QUEUED', 'ACTIVE') GROUP BY lane, state, instance"
    )
    return tuple(
        Tally(lane=lane, state=JobState(state), instance=instance, count=int(count))
        for lane, state, instance, count in found
    )


def running(tallies: Iterable[Tally]) -> tuple[Tally, ...]:
    """Return those whose jobs run."""
    return tuple(one for one in tallies if one.state is JobState.ACTIVE)


def per(trait: str, tallies: Iterable[Tally]) -> Counter[str]:
    """Sum the tallies per ``instance``, ``queue`` or ``topic``."""
    sums: Counter[str] = Counter()
    for one in tallies:
        sums[getattr(one, trait)] += one.count
    return sums
