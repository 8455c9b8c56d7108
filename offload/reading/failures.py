"""Recent failures by topic and error: one statement, by an index of failed jobs alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offload.core.states import FAILED, JobState
from offload.core.texts import bare
from offload.db import database
from offload.models import Job

JOB = Job._meta.db_table
#: Word for word the condition of the index.
HAS_FAILED = f"state IN ({', '.join(repr(state.value) for state in sorted(FAILED))})"
HOUR_SECONDS, DAY_SECONDS = 3600, 86_400
#: So many of the newest failures are looked at.
FAILURES_READ_MAX = 10_000
#: Lines that are returned.
LINES_MAX = 50
#: Characters of an error that are returned.
ERROR_CHARACTERS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureLine:
    """Jobs of one topic that failed with one type of error, within the last day."""

    topic: str
    #: GIVEN_UP, ERROR, or EXPIRED.
    state: JobState
    #: Such as ``builtins.ValueError``; empty where no exception was raised.
    error_type: str
    #: What the newest one said, or at least how it began.
    error: str
    #: The newest one.
    job_id: str
    seconds_ago: float
    hour: int
    day: int

    @property
    def name(self) -> str:
        """Return the error in a word or two: the type without its module, or what is known."""
        if self.error_type:
            return bare(self.error_type)
        return self.error.partition("\n")[0] or self.state.lower().replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Failures of the last hour and the last day."""

    #: Those with most failures of the last hour first, then of the last day.
    lines: tuple[FailureLine, ...] = ()
    hour: int = 0
    day: int = 0

    @property
    def is_capped(self) -> bool:
        """Tell whether there are more: only the newest ones were looked at."""
        return self.day >= FAILURES_READ_MAX

    def of_topic(self, topic: str) -> tuple[FailureLine, ...]:
        """Return the lines of a topic."""
        return tuple(line for line in self.lines if line.topic == topic)


def recent() -> Failures:
    """Return what failed lately; attempts that are followed by another one do not count."""
    found = database.rows(_question(), [-HOUR_SECONDS, -DAY_SECONDS])
    lines = sorted(map(_line, found), key=lambda one: (-one.hour, -one.day, one.seconds_ago))
    return Failures(
        lines=tuple(lines[:LINES_MAX]),
        hour=sum(line.hour for line in lines),
        day=sum(line.day for line in lines),
    )


def _question() -> str:
    group = "topic, state, error_type"
    newest = (
        f"SELECT id, {group}, substr(error, 1, {ERROR_CHARACTERS}) AS error, finished_at "
        f"FROM {JOB} "
        f"WHERE {HAS_FAILED} AND finished_at > {database.later()} "
        f"ORDER BY finished_at DESC LIMIT {FAILURES_READ_MAX}"
    )
    numbered = (
        f"SELECT *, row_number() OVER (PARTITION BY {group} ORDER BY finished_at DESC) AS nth "
        f"FROM ({newest}) AS newest"
    )
    return (
        f"SELECT {group}, max(CASE WHEN nth = 1 THEN error END), "
        f"max(CASE WHEN nth = 1 THEN id END), {database.seconds_since('max(finished_at)')}, "
        f"sum(CASE WHEN finished_at > {database.later()} THEN 1 ELSE 0 END), count(*) "
        f"FROM ({numbered}) AS numbered GROUP BY {group}"
    )


def _line(row: tuple[Any, ...]) -> FailureLine:
    topic, state, error_type, error, job_id, ago, hour, day = row
    return FailureLine(
        topic=topic,
        state=JobState(state),
        error_type=error_type,
        error=error,
        job_id=job_id,
        seconds_ago=max(0.0, float(ago)),
        hour=int(hour),
        day=int(day),
    )
