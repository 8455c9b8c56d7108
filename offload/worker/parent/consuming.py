"""Additions to Celery's consumer: a sign of life, and handlers that suit jobs."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import bootsteps

from offload.core.placement.topology import Mode
from offload.messaging.publisher import instance_queue
from offload.worker.parent.arriving import Arrivals
from offload.worker.parent.gate import Gate, gate
from offload.worker.parent.in_flight import jobs_in_flight

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from offload.worker.parent.in_flight import InFlight

#: Seconds between two reports without changes, and between two ticks of the consumer.
REPORT_SECONDS = 1.0


class Tick(bootsteps.StartStopStep):
    """Shows that the consumer's loop is running, and notes broker connections."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    in_flight: InFlight = jobs_in_flight
    gate: Gate = gate
    #: Whether the agent claims jobs in groups: its worker has a pool of processes.
    is_grouping: bool = False

    def create(self, parent: Any) -> None:
        """Wrap Celery's handlers, once for all connections."""
        self._arrivals = Arrivals(self.in_flight)
        self._arrivals.stand_before(parent)
        # Before Celery counts it against the pool's free processes.
        parent.on_task_request = self.holding(parent.on_task_request)

    def holding(self, inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return a handler of requests that holds a job's until the agent has claimed it.

        Runs that must not overlap with others are claimed by their own process.
        """

        def on_task_request(request: Any) -> Any:
            key = getattr(request, "job_key", None)
            if key is None or request.is_limited or not self.gate.is_open:
                return inner(request)
            return self.gate.hold(request, partial(inner, request))

        return on_task_request

    def start(self, parent: Any) -> None:
        """Start with a broker connection."""
        # Here, because the pool was not started yet when the consumer was created.
        if not isinstance(parent.pool.flush, Sparing):
            parent.pool.flush = Sparing(parent.pool.flush, self.in_flight)
        self._arrivals.survive_envelopes(parent.task_consumer.channel)
        self.in_flight.reconnect()
        if self.in_flight.mode is Mode.RECONNECTING:
            self.in_flight.set_mode(Mode.READY)
        if parent.hub is not None and self.is_grouping:
            self.gate.open(parent.hub)
        self._tick(parent)
        self._timer = parent.timer.call_repeatedly(REPORT_SECONDS, self._tick, (parent,))

    def stop(self, parent: Any) -> None:
        """Stop with it: the connection is lost, or the worker drains."""
        self._timer.cancel()
        self.gate.stop()
        if self.in_flight.mode is Mode.READY:
            self.in_flight.set_mode(Mode.RECONNECTING)

    def _tick(self, parent: Any) -> None:
        self.in_flight.tick = self.in_flight.clock()
        why = self.in_flight.take_restart()
        # Other pools have no event loop, which would restart the consumer after this error.
        if why and parent.hub is not None:
            raise ConnectionResetError(why)
        # The pool may grow and shrink, by autoscale or remote control.
        self.in_flight.concurrency = parent.pool.num_processes or self.in_flight.concurrency


@dataclass(frozen=True, slots=True)
class Sparing:
    """The pool's flush after a lost connection, which forgets only jobs that no process has.

    Celery's own also forgets jobs that were written to a process that has not yet reported their
    begin. Such a job would run unknown to the worker, and count as lost.
    """

    flush: Callable[[], Any] | None
    in_flight: InFlight

    def __call__(self) -> None:
        """Forget these jobs, and note which held jobs they were."""
        begun = [one for one in list(self.in_flight.held.values()) if one.is_begun()]
        with ExitStack() as stack:
            for one in begun:
                stack.enter_context(one.kept())
            if self.flush is not None:
                self.flush()
        self.in_flight.keep([one for one in begun if one.is_begun()])


def consume_own_queue(app: Celery, nodename: str) -> None:
    """Let the consumer take messages from the queue of this instance, too."""
    queues: Any = app.amqp.queues
    queue = queues.select_add(instance_queue(nodename))
    # CELERY_TASK_QUEUE_MAX_PRIORITY is for the site's own queues: RabbitMQ refuses a declaration
    # whose arguments differ from the publisher's.
    queue.queue_arguments = None
