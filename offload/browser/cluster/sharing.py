"""Facts about the cluster, read once for all the pages that poll."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

from offload.db import database
from offload.reading import cluster

if TYPE_CHECKING:
    from offload.reading.cluster import ClusterFacts

#: Seconds for which they share it.
SHARED_SECONDS = 1.0


class _Shared:
    facts: ClusterFacts | None = None
    read_at = 0.0
    alias = ""


_shared = _Shared()
_lock = threading.Lock()


def recent() -> ClusterFacts:
    """Return the facts as somebody read them a moment ago; while they are read, others wait."""
    with _lock:
        aged = monotonic() - _shared.read_at >= SHARED_SECONDS
        if _shared.facts is None or aged or _shared.alias != database.alias():
            _shared.facts, _shared.alias = cluster.read(), database.alias()
            _shared.read_at = monotonic()
        return _shared.facts


def forget() -> None:
    """Read them anew at the next question."""
    _shared.facts = None
