"""Facts about the cluster, read once for all pages that poll."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

from offload.db import database
from offload.reading.cluster import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.reading.cluster.facts import ClusterFacts

#: Seconds for which the facts are shared.
SHARED_SECONDS = 1.0


class Shared:
    """Facts that several viewers read at once; ``clock`` returns seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Begin with nothing read."""
        self._clock = clock
        self._lock = threading.Lock()
        self._facts: ClusterFacts | None = None
        self._read_at = 0.0
        self._alias = ""

    def recent(self) -> ClusterFacts:
        """Return the facts that were read a moment ago; while one thread reads, others wait."""
        with self._lock:
            aged = self._clock() - self._read_at >= SHARED_SECONDS
            if self._facts is None or aged or self._alias != database.alias():
                self._facts, self._alias = facts.read(), database.alias()
                self._read_at = self._clock()
            return self._facts

    def forget(self) -> None:
        """Drop the facts; the next call reads them again."""
        self._facts = None


#: Shared by all requests of this process: Django makes its views anew for each.
shared_facts = Shared()
recent, forget = shared_facts.recent, shared_facts.forget
