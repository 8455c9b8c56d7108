"""Watching heartbeats: an instance without a new one for the whole timeout is gone.

The observer counts by its own clock and by successful reads; it never compares the clocks of two
machines. A failed read, or a pause of the observer itself, restarts every count.
"""

from __future__ import annotations

from dataclasses import dataclass, field

#: In a fleet this large, more than half silent in one sweep is doubted once.
DOUBTED_FLEET_MIN = 4


@dataclass(frozen=True, slots=True)
class LastBeat:
    """A heartbeat, and when it was first seen, in seconds of the observer's clock."""

    incarnation: str
    beat: int
    since: float


@dataclass(slots=True)
class Observer:
    """Counts for how long each instance has been without a new heartbeat (A4)."""

    timeout: float
    #: Seconds between two looks; several of them without a look are a pause of the observer.
    interval: float
    _beats: dict[str, LastBeat] = field(default_factory=dict)
    _last: float | None = None
    _doubted_since: float | None = None

    def forget(self) -> None:
        """Restart every count, because a read failed."""
        self._beats.clear()
        self._doubted_since = None

    def look(self, beats: dict[str, tuple[str, int]], now: float) -> list[str]:
        """Note the heartbeats (incarnation and number by name); return the names that are gone."""
        if self._last is not None and now - self._last > self.interval * 3 + 1:
            self.forget()
        self._last = now
        self._beats = {name: self._note(name, *beat, now) for name, beat in beats.items()}
        still = [n for n, one in self._beats.items() if now - one.since >= self.timeout]
        return self._believed(still, len(beats), now)

    def _note(self, name: str, incarnation: str, beat: int, now: float) -> LastBeat:
        last = self._beats.get(name)
        same = last and (last.incarnation, last.beat) == (incarnation, beat)
        return last if last and same else LastBeat(incarnation, beat, now)

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
        """Return whether most of the fleet is silent, so that one more timeout has to pass."""
        return self._doubted_since is not None
