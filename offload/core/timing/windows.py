"""Windows of time: when in the week the jobs of a queue run, by the clock on the wall there.

A window is written as `mon-fri 22:00-06:00`: days, a start, an end. One that ends before it starts
goes over midnight and belongs to the day on which it starts. Times are those of clocks in the zone:
what they show twice when they are put back is in the window twice, what they skip is in none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from offload.core.exceptions import InvalidWindow, UnknownTimeZone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
WINDOW = re.compile(
    r"(?:(?P<days>[a-z,-]+) +)?(?P<start>[0-9]{2}:[0-9]{2})-(?P<end>[0-9]{2}:[0-9]{2})"
)
# Windows of one queue at most.
WINDOWS_MAX = 50
# Each window comes within a week, and again within another one if clocks skip it.
LOOK_AHEAD_DAYS = 15
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """Days of the week, and the minutes of those days from which and until which it is open."""

    # Monday is 0.
    days: frozenset[int]
    start: int
    # Beyond the minutes of a day if it goes over midnight.
    end: int

    @classmethod
    def parse(cls, text: object) -> TimeWindow:
        """Return the window that a text stands for; raise InvalidWindow."""
        found = WINDOW.fullmatch(text.strip().lower()) if isinstance(text, str) else None
        if found is None:
            raise InvalidWindow(text=text, problem="it is not days and two times")
        start, end = _minutes(text, found["start"]), _minutes(text, found["end"])
        if start == end:
            raise InvalidWindow(text=text, problem="it starts when it ends; a day is 00:00-24:00")
        if start == DAY_MINUTES:
            raise InvalidWindow(text=text, problem="it starts at 24:00; the next day has 00:00")
        days = _days(text, found["days"]) if found["days"] else frozenset(range(7))
        return cls(days, start, end if end > start else end + DAY_MINUTES)

    @property
    def edges(self) -> tuple[int, int]:
        """Return the minutes at which it starts and ends."""
        return self.start, self.end

    def holds(self, day: int, minute: float) -> bool:
        """Tell whether it is open on a day of the week at a minute of that day."""
        before = (day - 1) % 7
        return (day in self.days and self.start <= minute < self.end) or (
            before in self.days and self.start <= minute + DAY_MINUTES < self.end
        )


def _minutes(text: object, clock: str) -> int:
    hours, minutes = map(int, clock.split(":"))
    total = hours * 60 + minutes
    if minutes > 59 or total > DAY_MINUTES:
        raise InvalidWindow(text=text, problem=f"{clock} is no time of day")
    return total


def _days(text: object, given: str) -> frozenset[int]:
    return frozenset(day for part in given.split(",") for day in _range(text, part))


def _range(text: object, part: str) -> Iterator[int]:
    """Yield the days of a part such as `fri-mon`, which goes over the end of the week."""
    first, dash, last = part.partition("-")
    for name in (first, last) if dash else (first,):
        if name not in DAYS:
            raise InvalidWindow(text=text, problem=f"{name!r} is none of {', '.join(DAYS)}")
    start = DAYS.index(first)
    count = (DAYS.index(last) - start) % 7 if dash else 0
    return ((start + number) % 7 for number in range(count + 1))


def zone_of(name: object) -> ZoneInfo:
    """Return the time zone of that name; raise UnknownTimeZone."""
    try:
        return ZoneInfo(name)  # type: ignore[arg-type]
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise UnknownTimeZone(name=name) from error


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of a queue in a time zone. Without any it never opens."""

    windows: tuple[TimeWindow, ...]
    zone: ZoneInfo
    # As people wrote them.
    texts: tuple[str, ...] = ()

    @classmethod
    def of(cls, texts: object, zone: object) -> Windows:
        """Return the windows that a list of texts stands for.

        Raise InvalidWindow or UnknownTimeZone.
        """
        if not isinstance(texts, list | tuple):
            raise InvalidWindow(text=texts, problem="it is no list of windows")
        if len(texts) > WINDOWS_MAX:
            raise InvalidWindow(text=texts[0], problem=f"a queue has at most {WINDOWS_MAX} windows")
        return cls(tuple(map(TimeWindow.parse, texts)), zone_of(zone), tuple(map(str, texts)))

    def __str__(self) -> str:
        """Return the windows as people wrote them, with their zone."""
        return f"{', '.join(self.texts) or 'never'} ({self.zone.key})"

    def is_open(self, now: datetime) -> bool:
        """Tell whether a window is open."""
        there = now.astimezone(self.zone)
        minute = there.hour * 60 + there.minute
        return any(one.holds(there.weekday(), minute) for one in self.windows)

    def next_change(self, now: datetime) -> datetime | None:
        """Return the next time at which it opens, or closes if it is open now; None if never."""
        is_open = self.is_open(now)
        later = (one for one in self._moments(now) if one > now)
        return next((one for one in later if self.is_open(one) != is_open), None)

    def _moments(self, now: datetime) -> Iterator[datetime]:
        """Yield, in order, all times from that day on at which it might open or close."""
        today = now.astimezone(self.zone).date()
        for number in range(-1, LOOK_AHEAD_DAYS):
            yield from sorted(self._of_day(datetime.combine(today, time()) + number * DAY))

    def _of_day(self, midnight: datetime) -> set[datetime]:
        """Return those times of one day; clocks may show one twice, or be set."""
        minutes = {0, *(minute % DAY_MINUTES for one in self.windows for minute in one.edges)}
        shown = [midnight + minute * MINUTE for minute in minutes]
        found = {self._instant(one, fold) for one in shown for fold in (0, 1)}
        begin, end = self._instant(midnight, 0), self._instant(midnight + DAY, 0)
        return {one for one in found | set(self._settings(begin, end)) if begin <= one < end}

    def _instant(self, shown: datetime, fold: int) -> datetime:
        return shown.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)

    def _settings(self, begin: datetime, end: datetime) -> Iterable[datetime]:
        """Return the time between two others at which clocks are set, if they are."""
        if self._offset(begin) == self._offset(end):
            return ()
        while end - begin > MINUTE:
            middle = begin + (end - begin) // MINUTE // 2 * MINUTE
            begin, end = (
                (middle, end) if self._offset(middle) == self._offset(begin) else (begin, middle)
            )
        return (end,)

    def _offset(self, moment: datetime) -> timedelta | None:
        return moment.astimezone(self.zone).utcoffset()
