"""The heartbeat, with its own thread and connection, so that nothing else delays it."""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import TYPE_CHECKING, Any

from django.db import Error, connections

from offload.conf import settings
from offload.core.exceptions import NameInUse
from offload.core.placement.topology import Mode
from offload.db import database
from offload.fleet import membership
from offload.models import Instance
from offload.worker.agent import naming
from offload.worker.liveness import boottime

if TYPE_CHECKING:
    from offload.worker.link import Link
    from offload.worker.reports import Report

logger = logging.getLogger("offload.agent")


class Heartbeat(threading.Thread):
    """Raises the beat, announces mode and load, and extends the worker's lease."""

    def __init__(self, name: str, incarnation: str, link: Link, spec: dict[str, Any]) -> None:
        """Take the name and what it was settled for."""
        super().__init__(name="heartbeat", daemon=True)
        self.nodename = name
        self.incarnation = incarnation
        self.is_superseded = False
        #: What the leader's duties fail with, by name, while this is the leader.
        self.failing: dict[str, str] = {}
        #: When the worker's lease was renewed last after it had expired, by ``boottime``.
        self.resumed_at = 0.0
        self._leased_until = math.inf
        self._link = link
        self._spec = spec
        self._snapshot: Report | None = None
        self._heard_at = time.monotonic()
        self._announced: tuple[Any, ...] = ()
        self._over = threading.Event()
        self._heard = threading.Event()

    def hear(self, snapshot: Report) -> None:
        """Take the worker's last snapshot; a change of mode is announced at once."""
        changed = self._snapshot is None or snapshot.mode != self._snapshot.mode
        self._snapshot = snapshot
        self._heard_at = time.monotonic()
        if changed:
            self._heard.set()

    def stop(self) -> None:
        """Beat no more."""
        self._over.set()
        self._heard.set()
        if self.is_alive():
            self.join(settings().timeout)

    def run(self) -> None:
        """Beat until stopped."""
        while not self._over.is_set():
            self._try()
            self._heard.wait(settings().heartbeat)
            self._heard.clear()
        connections.close_all()

    def _try(self) -> None:
        """Beat; whatever goes wrong, another beat follows."""
        try:
            self._beat()
        except NameInUse as error:
            logger.warning("%s", error)
            self.is_superseded = True
        except Error as error:
            logger.warning("no heartbeat: %s", error)
            self.drop_connection()
        except Exception:
            logger.exception("no heartbeat")

    def _beat(self) -> None:
        before = boottime()
        if membership.beat(self.nodename, self.incarnation):
            self._extend(before)
            if self._snapshot is not None:
                self._announce(self._snapshot)
        else:
            self._refused()

    def _extend(self, before: float) -> None:
        """Let the worker start jobs for a while, counted from before the beat was sent (A5)."""
        if before > self._leased_until:
            self.resumed_at = boottime()
        self._leased_until = before + lease_time()
        self._link.send({"lease": self._leased_until, "incarnation": self.incarnation})

    def _announce(self, snapshot: Report) -> None:
        mode, concurrency, load = self._mode(snapshot), snapshot.concurrency, self._load(snapshot)
        if (mode, concurrency) != self._announced[:2]:
            membership.set_mode(self.nodename, self.incarnation, mode, concurrency=concurrency)
        if (mode, concurrency, load) != self._announced:
            membership.report(self.nodename, self.incarnation, load=load)
        self._announced = (mode, concurrency, load)

    def _load(self, snapshot: Report) -> dict[str, Any]:
        failing = dict(self.failing)
        return {**snapshot.load(), **({"failing": failing} if failing else {})}

    def _mode(self, snapshot: Report) -> Mode:
        # A parent that stands still as a whole says nothing at all.
        unheard = time.monotonic() - self._heard_at
        wedged = snapshot.tick_age + unheard > settings().timeout
        if snapshot.mode is Mode.READY and wedged and self._spec["can_kill"]:
            return Mode.SUSPECT
        return snapshot.mode

    def _refused(self) -> None:
        """Find out why the beat hit no row (A3): declared gone, or superseded."""
        row = Instance.objects.filter(pk=self.nodename).first()
        if row is not None and row.incarnation != self.incarnation and row.mode != Mode.GONE:
            self.is_superseded = True
            return
        logger.warning("%s was declared gone and comes back", self.nodename)
        self.incarnation = naming.settle(naming.announced(self._spec))
        self._announced = ()

    def drop_connection(self) -> None:
        """Close a connection that failed, so that the next statement opens another."""
        database.connection().close()


def lease_time() -> float:
    """Return for how many seconds after a beat the worker may start jobs."""
    given = settings()
    return max(given.timeout - 2 * given.heartbeat, given.timeout / 2)
