"""A clock that advances when a test says so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Clock:
    """Stands in the place of ``time.monotonic``."""

    now: float = 1000.0

    def __call__(self) -> float:
        """Return its time in seconds."""
        return self.now

    def go_on(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds
