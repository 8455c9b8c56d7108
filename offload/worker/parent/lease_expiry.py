"""The end of runs that must not overlap with others once the worker's lease has expired."""

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
    from offload.worker.liveness import Lease
    from offload.worker.parent.in_flight import Holdings, Run

logger = logging.getLogger("offload.worker")

#: Seconds between two looks at the lease.
PAUSE = 0.2
TOLD = "its instance lost its lease, and its queue lets no other run overlap with it"


@dataclass(slots=True)
class Lapse:
    """Ends the runs of ordered and limited queues before others may begin elsewhere."""

    lease: Lease
    holdings: Holdings
    #: The end of the lease whose runs were ended; at its start a worker has neither.
    _ended: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def end_runs(self) -> int:
        """End those that run past the lease, once for each lapse; return how many.

        What is accepted later begins only under a new lease.
        """
        with self._lock:
            until = self.lease.until
            if until == self._ended or boottime() < until:
                return 0
            self._ended = until
            running = list(self.holdings.running.items())
            limited = [(key, run) for key, run in running if run.by.is_limited]
            for key, run in limited:
                self._end(key, run)
            return len(limited)

    def _end(self, key: Key, run: Run) -> None:
        logger.warning("job %s is ended: %s", key[0], TOLD)
        with suppress(ProcessLookupError):
            os.kill(run.pid, signal.SIGKILL)
        # At once: the agent, if it is awake, sees the process die and asks why for a moment.
        self.holdings.lose(key, Cause.LAPSED, TOLD, run.by)
