"""Watching beats: an instance whose beat stands still for the whole timeout is gone.

Counted by the observer's own clock through reads that succeeded; clocks of two machines are
never compared. A failed read, or a pause of the observer itself, starts every count anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

#: Of at least so many instances, more than half in one sweep is doubted once more.
DOUBTED_FLEET_MIN = 4


@dataclass(frozen=True, slots=True)
class Seen:
    """A beat, and when it was first seen, in seconds of the observer's clock."""

    incarnation: str
    beat: int
    since: float


@dataclass(slots=True)
class Observer:
    """Counts how long each beat has stood still (A4)."""

    timeout: float
    #: Seconds between two looks; a pause of several is the observer's own.
    interval: float
    _seen: dict[str, Seen] = field(default_factory=dict)
    _last: float | None = None
    _doubted_since: float | None = None

    def forget(self) -> None:
        """Start every count anew: a read failed."""
        self._seen.clear()
        self._doubted_since = None

    def look(self, beats: dict[str, tuple[str, int]], now: float) -> list[str]:
        """Note the beats (incarnation and number by name) and return who is gone."""
        if self._last is not None and now - self._last > self.interval * 3 + 1:
            self.forget()
        self._last = now
        self._seen = {name: self._note(name, *beat, now) for name, beat in beats.items()}
        still = [n for n, one in self._seen.items() if now - one.since >= self.timeout]
        return self._believed(still, len(beats), now)

    def _note(self, name: str, incarnation: str, beat: int, now: float) -> Seen:
        seen = self._seen.get(name)
        same = seen and (seen.incarnation, seen.beat) == (incarnation, beat)
        return seen if seen and same else Seen(incarnation, beat, now)

    def _believed(self, still: list[str], fleet: int, now: float) -> list[str]:
        many = fleet >= DOUBTED_FLEET_MIN and len(still) * 2 > fleet
        if not many:
            self._doubted_since = None
            return still
        if self._doubted_since is None:
            self._doubted_since = now
        return still if now - self._doubted_since >= self.timeout else []

    @property
    def doubts(self) -> bool:
        """Return whether most of a fleet stands still and one more timeout is waited."""
        return self._doubted_since is not None
