"""Moments and the seconds between them: counted in UTC, so that no change of clocks is in them.

Python subtracts two times of one zone by what their clocks show: over a change to summer time
that is an hour off.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: Times further away are taken for these: any zone can show them, and any database store them.
EARLIEST = datetime(1, 1, 3, tzinfo=UTC)
LATEST = datetime(9999, 12, 29, tzinfo=UTC)
#: Seconds of each unit, by the sign that people write.
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
#: Seconds from which hundredths are not told, the last that would be rounded to 10.
HUNDREDTHS_BELOW_SECONDS = 9.995


def utc(moment: datetime) -> datetime:
    """Return an aware time in UTC, or the nearest that every zone can show."""
    try:
        return min(max(moment.astimezone(UTC), EARLIEST), LATEST)
    except OverflowError:
        return LATEST if moment.year > EARLIEST.year else EARLIEST


def between(earlier: datetime, later: datetime) -> float:
    """Return the seconds from one aware time to another, less than zero where it is before it."""
    return (utc(later) - utc(earlier)).total_seconds()


def span(seconds: float) -> str:
    """Return a number of seconds in the largest unit that fits."""
    for unit, size in reversed(UNIT_SECONDS.items()):
        if seconds >= size and unit != "s":
            return f"{seconds / size:.1f} {unit}".replace(".0 ", " ")
    return f"{seconds:.2f} s" if seconds < HUNDREDTHS_BELOW_SECONDS else f"{seconds:.0f} s"


def after(moment: datetime, seconds: float) -> datetime:
    """Return the time so many seconds after another, in UTC, or the latest there is."""
    try:
        return utc(utc(moment) + timedelta(seconds=seconds))
    except OverflowError:
        return LATEST if seconds > 0 else EARLIEST
