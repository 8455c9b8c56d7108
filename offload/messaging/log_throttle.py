"""Lines of the log that would be said at every sweep, said once a minute."""

from __future__ import annotations

import math
from time import monotonic

#: Seconds for which what was said is not said again.
QUIET_SECONDS = 60.0
#: What is remembered at most.
REMEMBERED_MAX = 1_000


class LogThrottle:
    """Remembers what was said a moment ago."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self._said: dict[str, float] = {}

    def lets(self, what: str) -> bool:
        """Return whether it is to be said now, and take it for said then."""
        now = monotonic()
        if now - self._said.get(what, -math.inf) < QUIET_SECONDS:
            return False
        if len(self._said) >= REMEMBERED_MAX:
            self._said.clear()
        self._said[what] = now
        return True
