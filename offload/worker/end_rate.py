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


@dataclass(slots=True)
class EndRate:
    """Counts ends; the last ones weigh most."""

    clock: Callable[[], float] = time.monotonic
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
