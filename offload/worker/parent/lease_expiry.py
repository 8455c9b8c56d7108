"""Ending runs that must not overlap with others when the worker's lease has expired."""

from __future__ import annotations

import logging
import os
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.core.retries import Cause
from offload.worker.liveness import boottime

if TYPE_CHECKING:
    from offload.core.envelopes import Key
    from offload.worker.liveness import SharedLease
    from offload.worker.parent.in_flight import AcceptedRun, InFlight

logger = logging.getLogger("offload.worker")

#: Seconds between two polls at the lease.
LEASE_POLL_SECONDS = 0.2
LEASE_LOST = "its instance lost its lease, and its queue lets no other run overlap with it"


@dataclass(slots=True)
class LeaseExpiry:
    """Ends the runs of ordered and limited queues before others may begin elsewhere (A5)."""

    lease: SharedLease
    in_flight: InFlight
    #: The expired lease whose runs were ended, by its end.
    _ended: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def end_runs(self) -> int:
        """End the runs that outlast the lease, once per expiry; return how many.

        Jobs that are accepted later begin only under a new lease.
        """
        with self._lock:
            until = self.lease.until
            if until == self._ended or boottime() < until:
                return 0
            self._ended = until
            running = list(self.in_flight.running.items())
            limited = [(key, run) for key, run in running if run.by.is_limited]
            for key, run in limited:
                self._end(key, run)
            return len(limited)

    def _end(self, key: Key, run: AcceptedRun) -> None:
        logger.warning("job %s is ended: %s", key[0], LEASE_LOST)
        with suppress(ProcessLookupError):
            os.kill(run.pid, signal.SIGKILL)
        # At once: the agent, if it is awake, sees the process die and waits a moment for the
        # reason.
        self.in_flight.lose(key, Cause.LEASE_EXPIRED, LEASE_LOST, run.by)
