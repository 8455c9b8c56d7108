"""The look at the topology, once a second, for those who listen."""

from __future__ import annotations

import logging
import threading
from time import monotonic
from typing import TYPE_CHECKING

from django.db import connections

from offload.conf import settings
from offload.core.discovery.views import TopologyView
from offload.db import database
from offload.fleet.snapshots import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("offload.topology")

#: The least number of seconds between two looks.
PACE_SECONDS = 0.1


class Watcher(threading.Thread):
    """Looks whether the topology's version has moved, and tells the view it sees.

    A database that is away for longer than the timeout leaves nothing to go by: None is told.
    """

    def __init__(self, tell: Callable[[TopologyView | None], None], *, local: str | None) -> None:
        """Take who is told, and the nodename of this process if it is a worker's agent."""
        super().__init__(name="topology-watcher", daemon=True)
        self._tell = tell
        self._local = local
        self._over = threading.Event()
        self._seen_at = monotonic()
        self._is_failing = False

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def run(self) -> None:
        """Look until stopped."""
        while not self._over.is_set():
            self._look()
            self._over.wait(max(settings().topology_age, PACE_SECONDS))
        connections.close_all()

    def _look(self) -> None:
        """Look once; whatever goes wrong, another look follows."""
        try:
            self._tell(TopologyView.of(snapshot(fresh=True).topology, local=self._local))
        except Exception as error:
            self._fail(error)
            return
        self._seen_at, self._is_failing = monotonic(), False
        if database.connection().settings_dict["OPTIONS"].get("pool"):
            # A pool has few, and others wait for them.
            database.connection().close()

    def _fail(self, error: Exception) -> None:
        """Say so once, drop the connection, and give the view up after the timeout."""
        if not self._is_failing:
            logger.warning("listeners hear nothing of the topology: %s", error)
        self._is_failing = True
        database.connection().close()
        if monotonic() - self._seen_at > settings().timeout:
            self._tell(None)
