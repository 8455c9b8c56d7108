"""Limits log lines that would come at every sweep to one a minute."""

from __future__ import annotations

import math
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds before a line may be logged again.
QUIET_SECONDS = 60.0
#: Maximum number of lines remembered.
REMEMBERED_MAX = 1_000


class LogThrottle:
    """Remembers recent log lines."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Begin without any lines; ``clock`` returns seconds that only grow."""
        self._clock = clock
        self._logged: dict[str, float] = {}

    def allows(self, what: str) -> bool:
        """Return whether to log the line now; if so, remember it."""
        now = self._clock()
        if now - self._logged.get(what, -math.inf) < QUIET_SECONDS:
            return False
        if len(self._logged) >= REMEMBERED_MAX:
            self._logged.clear()
        self._logged[what] = now
        return True
