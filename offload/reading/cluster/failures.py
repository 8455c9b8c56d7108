"""Recent failures by topic and error, read by one statement from an index of failed jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from offload.core.states import JobState
from offload.core.texts import bare
from offload.core.validation.bounds import DAY_SECONDS, HOUR_SECONDS
from offload.db import database
from offload.models import Job
from offload.models.indexes import HAS_FAILED

JOB = Job._meta.db_table
#: So many of the newest failures are read.
FAILURES_READ_MAX = 10_000
#: Maximum number of lines returned.
LINES_MAX = 50
#: Longest text of an error, in characters.
ERROR_CHARACTERS_READ = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureLine:
    """Jobs of one topic that failed with one type of error, within the last day."""

    topic: str
    #: GIVEN_UP, ERROR, or EXPIRED.
    state: JobState
    #: Such as ``builtins.ValueError``; empty if no exception was raised.
    error_type: str
    #: The newest error's text, or its beginning.
    error: str
    #: The newest job.
    job_id: str
    seconds_ago: float
    hour: int
    day: int

    @property
    def name(self) -> str:
        """Return a short name: the error's type, else the first line of its text, or the state."""
        if self.error_type:
            return bare(self.error_type)
        return self.error.partition("\n")[0] or self.state.lower().replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Failures of the last hour and the last day."""

    #: Sorted by failures of the last hour, then of the last day, most first.
    lines: tuple[FailureLine, ...] = ()
    hour: int = 0
    day: int = 0

    @property
    def is_capped(self) -> bool:
        """Tell whether there may be more, because only the newest ones were read."""
        return self.day >= FAILURES_READ_MAX

    def of_topic(self, topic: str) -> tuple[FailureLine, ...]:
        """Return the lines of a topic."""
        return tuple(line for line in self.lines if line.topic == topic)


def recent() -> Failures:
    """Return recent failures; a failed attempt that was retried does not count."""
    found = database.rows(_question(), {"hour": -HOUR_SECONDS, "day": -DAY_SECONDS})
    lines = sorted(map(_line, found), key=lambda one: (-one.hour, -one.day, one.seconds_ago))
    return Failures(
        lines=tuple(lines[:LINES_MAX]),
        hour=sum(line.hour for line in lines),
        day=sum(line.day for line in lines),
    )


def _question() -> str:
    group = "topic, state, error_type"
    newest = (
        f"SELECT id, {group}, substr(error, 1, {ERROR_CHARACTERS_READ}) AS error, finished_at "
        f"FROM {JOB} "
        f"WHERE {HAS_FAILED} AND finished_at > {database.later('%(day)s')} "
        f"ORDER BY finished_at DESC LIMIT {FAILURES_READ_MAX}"
    )
    numbered = (
        f"SELECT *, row_number() OVER (PARTITION BY {group} ORDER BY finished_at DESC) AS nth "
        f"FROM ({newest}) AS newest"
    )
    return (
        f"SELECT {group}, max(CASE WHEN nth = 1 THEN error END), "
        f"max(CASE WHEN nth = 1 THEN id END), {database.seconds_since('max(finished_at)')}, "
        f"sum(CASE WHEN finished_at > {database.later('%(hour)s')} THEN 1 ELSE 0 END), count(*) "
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
