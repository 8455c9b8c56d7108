"""Times as text for people."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from offload.core import moments
from offload.core.moments import UNIT_SECONDS, between
from offload.core.validation.bounds import DELAY

if TYPE_CHECKING:
    from offload.models import Job

#: Longest text of a duration, in characters.
DURATION_CHARACTERS_MAX = 40
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")


def duration(text: str) -> timedelta:
    """Read a duration such as 90s, 30m, 1h30m, 2d, or 90 for seconds; ten years at most.

    Raise ArgumentTypeError for anything else.
    """
    written = f"{text}s" if NUMBER.fullmatch(text) else text
    parts = PART.findall(written) if len(text) <= DURATION_CHARACTERS_MAX else []
    if not parts or "".join(number + unit for number, unit in parts) != written:
        raise ArgumentTypeError(f"{text!r:.60} is not a duration; write 90s, 30m, 1h30m or 2d")
    total = sum(float(number) * UNIT_SECONDS[unit] for number, unit in parts)
    if total not in DELAY:
        raise ArgumentTypeError(f"{text!r} is too long; write at most 3650d, which are ten years")
    return timedelta(seconds=total)


def span(text: str) -> timedelta:
    """Read a duration that is not zero; raise ArgumentTypeError for anything else."""
    found = duration(text)
    if not found:
        raise ArgumentTypeError(f"{text!r:.60} is no time at all; write 90s, 30m, 1h30m or 2d")
    return found


def time_to_come(text: str) -> datetime:
    """Read a time in the site's zone: 18:30, the next one, or a date with a time.

    Raise ArgumentTypeError for anything else, and for a time that has passed.
    """
    found = _next(text) if TIME_OF_DAY.fullmatch(text) else _dated(text)
    if found <= timezone.now():
        raise ArgumentTypeError(f"{text!r:.60} has passed")
    return found


def _next(text: str) -> datetime:
    at, today = time.fromisoformat(text), timezone.localtime().date()
    found = timezone.make_aware(datetime.combine(today, at))
    later = timezone.make_aware(datetime.combine(today + timedelta(days=1), at))
    return found if found > timezone.now() else later


def _dated(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(
            f"{text!r:.60} is no time; write 18:30, or 2026-03-01T18:30"
        ) from error
    return moments.utc(found if timezone.is_aware(found) else timezone.make_aware(found))


def seconds(value: float | None) -> str:
    """Return a number of seconds in the largest unit that fits; "" for None."""
    return "" if value is None else moments.span(value)


def run_time(job: Job) -> float | None:
    """Return how many seconds a job's last attempt took, or has taken; None without one."""
    if job.started_at is None:
        return None
    return max(0.0, between(job.started_at, job.finished_at or timezone.now()))


def age(value: datetime) -> str:
    """Return the age of a time."""
    return seconds(max(0.0, between(value, timezone.now())))


def moment(value: datetime | None) -> str:
    """Return a time in the site's zone, to the second; "" for None."""
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S}" if value else ""
