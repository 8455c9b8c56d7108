"""The heartbeat, with a thread and a connection of its own, so that nothing else delays it."""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import TYPE_CHECKING, Any

from django.db import Error, connections

from offload.conf import lease_time, settings
from offload.core.exceptions import NameInUse
from offload.core.placement.instance_conditions import MODE_OF_TROUBLE, Trouble, trouble_of
from offload.core.placement.topology import Mode
from offload.db import database
from offload.fleet import membership, own_facts
from offload.models import Instance
from offload.topology import providers
from offload.topology.providing import Properties
from offload.worker.agent import naming
from offload.worker.liveness import boottime

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.worker.link import Link
    from offload.worker.reports import Report

logger = logging.getLogger("offload.agent")


class Heartbeat(threading.Thread):
    """Sends heartbeats, announces mode and load, and extends the worker's lease."""

    def __init__(
        self,
        name: str,
        incarnation: str,
        link: Link,
        spec: dict[str, Any],
        *,
        properties: Properties | None = None,
        beat: Callable[[str, str], bool] = membership.beat,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the name and what it was settled for.

        ``properties`` are those of the instance, by default with the site's own functions.
        ``beat`` raises the beat of a name and an incarnation and returns whether it is theirs,
        ``clock`` returns seconds.
        """
        super().__init__(name="heartbeat", daemon=True)
        self.nodename = name
        self.incarnation = incarnation
        self.is_superseded = False
        #: Errors of the leader's duties, by name, while this is the leader.
        self.failing: dict[str, str] = {}
        #: The last renewal of the worker's lease after it had expired, by ``boottime``.
        self.resumed_at = 0.0
        #: Whether messages to the worker do not arrive.
        self.is_deaf = False
        #: The trouble as it is announced.
        self.trouble: Trouble | None = None
        self._leased_until = math.inf
        self._link = link
        self._spec = spec
        self._raise_beat = beat
        self._clock = clock
        self._report: Report | None = None
        self._heard_at = clock()
        self._announced: tuple[Any, ...] = ()
        self._properties = properties or _properties(spec)
        #: As they were announced; None in an agent that was started anew, which does not know.
        self._known = None if spec.get("restarted") else self._properties.now
        self._over = threading.Event()
        self._heard = threading.Event()

    def hear(self, report: Report) -> None:
        """Take the worker's last report; announce a change of mode at once."""
        changed = self._report is None or report.mode != self._report.mode
        self._report = report
        self._heard_at = self._clock()
        if changed or self._trouble(report) != self.trouble:
            self._heard.set()

    def stop(self) -> None:
        """Stop the heartbeat."""
        self._over.set()
        self._heard.set()
        if self.is_alive():
            self.join(settings().timeout)

    def run(self) -> None:
        """Beat until stopped."""
        self._properties.start()
        while not self._over.is_set():
            self._try()
            self._heard.wait(settings().heartbeat)
            self._heard.clear()
        connections.close_all()

    def _try(self) -> None:
        """Send a heartbeat; log any error, as another one follows."""
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
        if self._raise_beat(self.nodename, self.incarnation):
            self._extend(before)
            if self._report is not None:
                self._announce(self._report)
        else:
            self._refused()

    def _extend(self, before: float) -> None:
        """Extend the worker's lease, counted from before the heartbeat was sent (A5)."""
        if before > self._leased_until:
            self.resumed_at = boottime()
        self._leased_until = before + lease_time()
        self._link.send({"lease": self._leased_until, "incarnation": self.incarnation})

    def _announce(self, report: Report) -> None:
        trouble, load = self._trouble(report), self._load(report)
        mode = MODE_OF_TROUBLE[trouble] if trouble else report.mode
        stands = (mode, report.concurrency, trouble)
        if stands != self._announced[:3]:
            membership.set_mode(
                self.nodename,
                self.incarnation,
                mode,
                concurrency=report.concurrency,
                trouble=trouble,
            )
        self.trouble = trouble
        if (*stands, load) != self._announced:
            own_facts.report(self.nodename, self.incarnation, load=load)
        self._announced = (*stands, load)
        if self._properties.now != self._known:
            self._announce_properties()

    def _announce_properties(self) -> None:
        # Read in this order: a property that gets its value in between is in both, not in neither.
        pending, now = self._properties.pending, self._properties.now
        own_facts.set_properties(self.nodename, self.incarnation, now, pending=pending)
        self._known = now

    def _load(self, report: Report) -> dict[str, Any]:
        found = {"failing": dict(self.failing), "providers": self._properties.failing}
        return {**report.load(), **{name: errors for name, errors in found.items() if errors}}

    def _trouble(self, report: Report) -> Trouble | None:
        # A frozen parent reports nothing at all.
        unheard = self._clock() - self._heard_at
        # The loop of a pool without processes stands still while a job runs.
        still_for = report.tick_age + unheard if self._spec["can_kill"] else 0.0
        most = settings().timeout
        return trouble_of(report.mode, still_for=still_for, most=most, is_deaf=self.is_deaf)

    def look_again(self) -> None:
        """Announce at once what this agent found out about the worker."""
        self._heard.set()

    def _refused(self) -> None:
        """Find out why the heartbeat changed no row (A3): declared gone, or superseded."""
        row = Instance.objects.filter(pk=self.nodename).first()
        if row is not None and row.incarnation != self.incarnation and row.mode != Mode.GONE:
            self.is_superseded = True
            return
        logger.warning("%s was declared gone and comes back", self.nodename)
        self._known = self._properties.now
        self.incarnation = naming.settle(naming.announced(self._spec, self._known))
        self._announced = ()

    def drop_connection(self) -> None:
        """Close a connection that failed, so that the next statement opens another."""
        database.connection().close()


def _properties(spec: dict[str, Any]) -> Properties:
    return Properties(naming.fixed_properties(spec), providers.declared.values())
