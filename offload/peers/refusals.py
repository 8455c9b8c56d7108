"""Refused messages: counted by peer and reason, and logged now and then, without their content."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from offload.db import database
from offload.messaging.log_throttle import LogThrottle
from offload.models import PeerRefusal

if TYPE_CHECKING:
    from offload.core.peers.refusal import RefusalKind

logger = logging.getLogger("offload.peers")

TABLE = PeerRefusal._meta.db_table
DETAIL_MAX = 255
COUNT = (
    f"INSERT INTO {TABLE} (peer, kind, count, last_at, detail) "
    "VALUES (%(peer)s, %(kind)s, %(count)s, {now}, %(detail)s) "
    f"ON CONFLICT (peer, kind) DO UPDATE SET count = {TABLE}.count + excluded.count, "
    "last_at = excluded.last_at, detail = excluded.detail"
)


class RefusalCounter:
    """Counts in memory, and writes now and then: a flood of forged messages costs no statements."""

    def __init__(self, throttle: LogThrottle | None = None) -> None:
        """Begin with nothing refused."""
        self._counts: Counter[tuple[str, RefusalKind]] = Counter()
        self._details: dict[tuple[str, RefusalKind], str] = {}
        self._throttle = throttle or LogThrottle()

    def note(self, peer: str, kind: RefusalKind, detail: str) -> None:
        """Count a refused message in a peer's name; "" stands for nobody known."""
        self._counts[peer, kind] += 1
        self._details[peer, kind] = detail[:DETAIL_MAX]
        if self._throttle.allows(f"{peer} {kind}"):
            who = f"in the name of {peer}" if peer else "that names no key known here"
            logger.warning("refused a message %s (%s): %s", who, kind, detail)

    def write(self) -> None:
        """Add what was counted to the rows; what cannot be written stays counted."""
        for key, count in list(self._counts.items()):
            peer, kind = key
            facts = {"peer": peer, "kind": kind.value, "count": count, "detail": self._details[key]}
            database.execute(COUNT.format(now=database.now()), facts)
            self._counts[key] -= count
            if not self._counts[key]:
                del self._counts[key]
