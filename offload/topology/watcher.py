"""The watcher of the topology: checks it once a second for the listeners."""

from __future__ import annotations

import logging
import threading
from time import monotonic
from typing import TYPE_CHECKING

from django.db import connections

from offload.conf import settings
from offload.core.discovery.topology_views import TopologyView
from offload.db import database
from offload.fleet.snapshots import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("offload.topology")

#: The least number of seconds between two looks.
PACE_SECONDS = 0.1


class Watcher(threading.Thread):
    """Checks whether the topology's version has changed, and reports the view.

    If the database is unreachable for longer than the timeout, it reports None.
    """

    def __init__(self, report: Callable[[TopologyView | None], None], *, local: str | None) -> None:
        """Take the receiver of views, and the worker's nodename if this is its agent."""
        super().__init__(name="topology-watcher", daemon=True)
        self._report = report
        self._local = local
        self._over = threading.Event()
        self._seen_at = monotonic()
        self._is_failing = False

    def stop(self) -> None:
        """Stop watching."""
        self._over.set()

    def run(self) -> None:
        """Check until stopped."""
        while not self._over.is_set():
            self._look()
            self._over.wait(max(settings().topology_age, PACE_SECONDS))
        connections.close_all()

    def _look(self) -> None:
        """Check once; log any error, as another check follows."""
        try:
            self._report(TopologyView.of(snapshot(fresh=True).topology, local=self._local))
        except Exception as error:
            self._fail(error)
            return
        self._seen_at, self._is_failing = monotonic(), False
        if database.connection().settings_dict["OPTIONS"].get("pool"):
            # A pool has few connections, and others wait for them.
            database.connection().close()

    def _fail(self, error: Exception) -> None:
        """Log it once, drop the connection, and give up the view after the timeout."""
        if not self._is_failing:
            logger.warning("listeners hear nothing of the topology: %s", error)
        self._is_failing = True
        database.connection().close()
        if monotonic() - self._seen_at > settings().timeout:
            self._report(None)
