"""The pace at which a worker's runs end."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class EndRate:
    """Counts ends; those of a second ago weigh about a third."""

    clock: Callable[[], float] = time.monotonic
    _weight: float = 0.0
    _at: float = 0.0

    def count(self, ends: int = 1) -> None:
        """Count ends."""
        now = self.clock()
        self._weight, self._at = ends + self._decayed(now), now

    def _decayed(self, now: float) -> float:
        return self._weight * math.exp(min(0.0, self._at - now))

    @property
    def per_second(self) -> float:
        """Return how many runs end in a second, by the recent pace."""
        return self._decayed(self.clock())
