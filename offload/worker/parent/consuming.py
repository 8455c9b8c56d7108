"""Additions to Celery's consumer: a sign of life, and limits on its handling of jobs."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery import bootsteps

from offload.core.placement.topology import Mode
from offload.worker.parent import arriving
from offload.worker.parent.in_flight import in_flight

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds between two snapshots where nothing changed, and between two ticks of the consumer.
SNAPSHOT_SECONDS = 1.0


class Tick(bootsteps.StartStopStep):
    """Shows that the consumer's loop turns, and notes broker connections."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def create(self, parent: Any) -> None:
        """Stand between the broker and Celery's handlers, once for all connections."""
        arriving.stand_before(parent)

    def start(self, parent: Any) -> None:
        """Begin with a broker connection."""
        # Here, since the pool was not started yet when the consumer was made.
        if not isinstance(parent.pool.flush, Sparing):
            parent.pool.flush = Sparing(parent.pool.flush)
        arriving.survive_envelopes(parent.task_consumer.channel)
        in_flight.reconnect()
        if in_flight.mode is Mode.RECONNECTING:
            in_flight.set_mode(Mode.READY)
        self._tick(parent)
        self._timer = parent.timer.call_repeatedly(SNAPSHOT_SECONDS, self._tick, (parent,))

    def stop(self, parent: Any) -> None:
        """End with it: the connection is lost, or the worker drains."""
        self._timer.cancel()
        if in_flight.mode is Mode.READY:
            in_flight.set_mode(Mode.RECONNECTING)

    def _tick(self, parent: Any) -> None:
        in_flight.tick = time.monotonic()
        # It grows and shrinks: autoscale, remote control.
        in_flight.concurrency = parent.pool.num_processes or in_flight.concurrency


@dataclass(frozen=True, slots=True)
class Sparing:
    """The pool's flush, after a lost connection: it forgets what no process has yet, only.

    Celery's own also forgets what was written to a process that did not say yet that it begins.
    Then that one would run unknown to the worker, and be taken for lost.
    """

    flush: Callable[[], Any] | None

    def __call__(self) -> None:
        """Forget them, and which of the jobs that are held those were."""
        begun = [one for one in list(in_flight.held.values()) if one.is_begun()]
        with ExitStack() as stack:
            for one in begun:
                stack.enter_context(one.kept())
            if self.flush is not None:
                self.flush()
        in_flight.keep([one for one in begun if one.is_begun()])
