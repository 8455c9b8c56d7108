"""Servers that were out of reach a moment ago: not every caller waits for them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds for which nothing is tried after a server could not be reached.
UNREACHABLE_PAUSE_SECONDS = 2.0


@dataclass(slots=True)
class Breaker:
    """Remembers that a broker or a result backend was unreachable."""

    #: A monotonic clock, in seconds.
    clock: Callable[[], float] = monotonic
    _open_until: float = -math.inf

    @property
    def is_open(self) -> bool:
        """Return whether not to try the server now."""
        return self.clock() < self._open_until

    def trip(self, seconds: float = UNREACHABLE_PAUSE_SECONDS) -> None:
        """Do not try the server for that many seconds."""
        self._open_until = self.clock() + seconds

    def close(self) -> None:
        """Try again from now on."""
        self._open_until = -math.inf
