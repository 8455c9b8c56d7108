"""Times and the seconds between them, computed in UTC to be safe from changes of clocks.

Python subtracts two times of one zone by their wall clocks, which is an hour off across a change to
summer time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: The earliest and latest times that every zone can show and every database can store.
EARLIEST = datetime(1, 1, 3, tzinfo=UTC)
LATEST = datetime(9999, 12, 29, tzinfo=UTC)
#: Seconds of each unit, by the sign that people write.
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
#: Durations of this many seconds or more are shown without hundredths.
HUNDREDTHS_BELOW_SECONDS = 9.995


def utc(moment: datetime) -> datetime:
    """Return an aware time in UTC, or the nearest that every zone can show."""
    try:
        return min(max(moment.astimezone(UTC), EARLIEST), LATEST)
    except OverflowError:
        return LATEST if moment.year > EARLIEST.year else EARLIEST


def between(earlier: datetime, later: datetime) -> float:
    """Return the seconds from one aware time to another; negative if the other is earlier."""
    return (utc(later) - utc(earlier)).total_seconds()


def span(seconds: float) -> str:
    """Return a number of seconds in the largest unit that fits."""
    for unit, size in reversed(UNIT_SECONDS.items()):
        if seconds >= size and unit != "s":
            return f"{seconds / size:.1f} {unit}".replace(".0 ", " ")
    return f"{seconds:.2f} s" if seconds < HUNDREDTHS_BELOW_SECONDS else f"{seconds:.0f} s"


def after(moment: datetime, seconds: float) -> datetime:
    """Return the time that many seconds after another, in UTC, or the latest possible."""
    try:
        return utc(utc(moment) + timedelta(seconds=seconds))
    except OverflowError:
        return LATEST if seconds > 0 else EARLIEST
