"""The pace at which a worker's runs end."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


#: Seconds after which an end weighs about a third of a new one.
MEMORY_SECONDS = 0.25
#: Seconds of work that are claimed before a process is free for them, and the most of such jobs.
AHEAD_SECONDS, AHEAD_MAX = 0.04, 32
#: Ends per second below which a job begins at once if a process is free, which then claims it by
#: itself: one after the other, two ways to the agent take longer than they save.
CALM_PER_SECOND = 20.0


@dataclass(slots=True)
class EndRate:
    """Counts ends; the last ones weigh most."""

    clock: Callable[[], float] = time.monotonic
    calm_below: float = CALM_PER_SECOND
    _weight: float = 0.0
    _at: float = 0.0

    def count(self, ends: int = 1) -> None:
        """Count ends."""
        now = self.clock()
        self._weight, self._at = ends + self._decayed(now), now

    def _decayed(self, now: float) -> float:
        return self._weight * math.exp(min(0.0, self._at - now) / MEMORY_SECONDS)

    @property
    def per_second(self) -> float:
        """Return how many runs end in a second, by the recent pace."""
        return self._decayed(self.clock()) / MEMORY_SECONDS

    @property
    def is_calm(self) -> bool:
        """Return whether so few runs end that each job is better claimed by itself."""
        return self.per_second < self.calm_below

    @property
    def ahead(self) -> int:
        """Return how many jobs to claim before a process is free; none if runs are long."""
        return min(AHEAD_MAX, int(self.per_second * AHEAD_SECONDS))
