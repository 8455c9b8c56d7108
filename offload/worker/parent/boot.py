"""The boot step in a worker's parent process, which never opens a database connection (A1)."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from celery import signals

from offload.conf import settings
from offload.core.lazy import load
from offload.core.placement.topology import Mode
from offload.worker.channel import Channel
from offload.worker.connections import do_without_pools
from offload.worker.link import Link
from offload.worker.liveness import lease as shared_lease
from offload.worker.parent import start_refusals
from offload.worker.parent.agent_launch import start_agent
from offload.worker.parent.consuming import REPORT_SECONDS, Tick, consume_own_queue
from offload.worker.parent.gate import gate
from offload.worker.parent.in_flight import jobs_in_flight
from offload.worker.parent.lease_expiry import LEASE_POLL_SECONDS, LeaseExpiry
from offload.worker.parent.missing import look_for_broker, refuse_missing_app
from offload.worker.parent.specification import specification
from offload.worker.pool.query_log import warn_of_queries
from offload.worker.pool.session_watch import watch_tasks
from offload.worker.pool.softlimit import restore_handler
from offload.worker.pool.spawned import pass_on
from offload.worker.tasks.declarations import consumers_of
from offload.worker.tasks.task import EXECUTE
from offload.worker.tracer import TRACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from offload.worker.liveness import SharedLease
    from offload.worker.parent.in_flight import InFlight

logger = logging.getLogger("offload.worker")

#: Seconds for the agent to settle the worker's name, or to say goodbye, before that is logged.
AGENT_TIMEOUT_SECONDS = 30.0
#: Seconds that an ending process may take.
EXIT_SECONDS = 1.0
NAME_NOT_SETTLED = (
    "the agent, process %s, lives and has not settled the worker's name yet; it is waited for. "
    "Look whether the database answers"
)
#: Seconds for which changes are gathered into one report: while jobs wait for the pool, and while
#: the pool waits for jobs.
BUSY_GATHER_SECONDS, IDLE_GATHER_SECONDS = 0.01, 0.001


def connect(app: Celery) -> None:
    """Add the boot steps to the workers of this app."""
    worker = Worker(app)
    for sent, receiver in (
        (signals.worker_init, worker.on_init),
        (signals.worker_ready, worker.on_ready),
        (signals.worker_ready, warn_of_queries),
        (signals.worker_shutting_down, worker.on_shutting_down),
        (signals.worker_shutdown, worker.on_shutdown),
        (signals.worker_process_init, watch_tasks),
        (signals.task_postrun, restore_handler),
    ):
        sent.connect(receiver, weak=False, dispatch_uid=f"offload.{receiver.__name__}.{id(app)}")


class Worker:
    """The worker's parent process: spawns the agent, reports to it, and restarts it."""

    def __init__(
        self,
        app: Celery,
        *,
        in_flight: InFlight = jobs_in_flight,
        lease: SharedLease = shared_lease,
        launch: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen,
    ) -> None:
        """Take the lease that pool children look at, and what starts the agent."""
        self._app = app
        self._in_flight = in_flight
        self._lease = lease
        self._launch = launch
        self._link: Link | None = None
        self._agent: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()
        self._lease_expiry = LeaseExpiry(lease, in_flight)

    def on_init(self, sender: Any, **_: object) -> None:
        """Settle the name before pool and consumer start; end the worker if it is taken."""
        if sender.app is not self._app and sender.app != self._app:
            return
        try:
            self._begin(sender)
        except Exception as error:
            # Celery would log it and go on, with a worker that is not announced and gets no jobs.
            logger.exception("the worker cannot begin, and ends")
            raise SystemExit(os.EX_SOFTWARE) from error

    def _begin(self, sender: Any) -> None:
        refuse_missing_app()
        start_refusals.refuse_wrong_settings()
        start_refusals.refuse_wrong_pool(str(sender.pool_cls))
        start_refusals.refuse_clashes(consumers_of(self._app))
        start_refusals.refuse_properties()
        start_refusals.refuse_listeners()
        # Loaded before the pool forks, so that not every child loads it with its first job.
        load(EXECUTE)
        load(TRACE)
        load("offload.topology.current:belong_to")(sender.hostname)
        do_without_pools()
        watch_tasks()
        self._spec = specification(self._app, sender)
        pass_on(self._app, nodename=sender.hostname, lease=self._lease)
        self._in_flight.concurrency = self._spec["concurrency"]
        self._lease.extend(0.0)
        self._spawn()
        if not self._is_settled():
            raise SystemExit(os.EX_UNAVAILABLE)
        consume_own_queue(self._app, sender.hostname)
        Tick.is_grouping = settings().groups and self._spec["can_kill"]
        self._app.steps["consumer"].add(Tick)
        for run in (self._report, self._listen, self._guard, self._watch):
            threading.Thread(target=run, name=f"offload{run.__name__}", daemon=True).start()
        atexit.register(self.on_exit)
        look_for_broker()

    def _spawn(self) -> None:
        ours, theirs = Link.pair()
        channel, groups = Channel.pair()
        spec = {**self._spec, "restarted": self._link is not None}
        self._agent = start_agent(spec, {"link": theirs, "groups": groups}, self._launch)
        gate.line.attach(channel)
        self._link, former = ours, self._link
        if former is not None:
            former.close()

    def _is_settled(self) -> bool:
        """Wait for the agent as long as it lives; return whether it got the name."""
        answer = self._heard(AGENT_TIMEOUT_SECONDS)
        while answer is None and self._agent_lives():
            logger.warning(NAME_NOT_SETTLED, self._agent.pid if self._agent else 0)
            answer = self._heard(AGENT_TIMEOUT_SECONDS)
        # A refusing agent reports that and ends, perhaps between the two checks.
        answer = answer or self._heard(0.0)
        if answer and answer.get("settled"):
            return True
        logger.error("%s", (answer or {}).get("refused", "the agent did not start; see above"))
        return False

    def _heard(self, seconds: float) -> Any:
        return self._link.receive(seconds) if self._link else None

    def _agent_lives(self) -> bool:
        # Its end of the link closes a moment before it ends.
        with suppress(subprocess.TimeoutExpired):
            return self._agent is not None and self._agent.wait(EXIT_SECONDS) is None
        return True

    def on_ready(self, sender: Any, **_: object) -> None:
        """Begin to take work."""
        self._in_flight.set_mode(Mode.READY)

    def on_shutting_down(self, **_: object) -> None:
        """Take nothing new; running jobs go on under a live heartbeat.

        Celery calls this in a signal handler, so it must take no lock.
        """
        self._in_flight.set_mode(Mode.DRAINING)

    def on_shutdown(self, **_: object) -> None:
        """Let the agent say goodbye after the pool is drained (A2)."""
        if self._agent is None or self._ending.is_set():
            return
        gate.finish(AGENT_TIMEOUT_SECONDS)
        self._ending.set()
        if self._link:
            self._link.send({"goodbye": True})
        with suppress(subprocess.TimeoutExpired):
            self._agent.wait(AGENT_TIMEOUT_SECONDS)

    def on_exit(self) -> None:
        """Say goodbye after a cold shutdown too, for which Celery sends no signal.

        Not for a run that goes on: its job moves when it is over, with this process.
        """
        if os.getpid() == self._spec["pid"] and not self._in_flight.running:
            self.on_shutdown()

    def _report(self) -> None:
        while not self._ending.is_set():
            self._in_flight.changed.wait(REPORT_SECONDS)
            time.sleep(IDLE_GATHER_SECONDS)
            self._in_flight.gather(BUSY_GATHER_SECONDS)
            self._in_flight.changed.clear()
            if self._link:
                self._link.send(self._in_flight.report())

    def _listen(self) -> None:
        while not self._ending.is_set():
            link = self._link
            # Not for ever, because a new agent has a new link.
            message = link.receive(REPORT_SECONDS) if link else None
            if message is None:
                time.sleep(BUSY_GATHER_SECONDS * 10)
            elif "restart" in message:
                self._in_flight.restart = message["restart"]
            elif "lease" in message:
                self._end_runs_past_lease()
                self._lease.extend(message["lease"], message["incarnation"])
            elif "settled_runs" in message:
                self._in_flight.settle((job, epoch) for job, epoch in message["settled_runs"])
            elif "stopped_runs" in message:
                self._in_flight.stopped((job, epoch) for job, epoch in message["stopped_runs"])
            elif message.get("taken"):
                logger.error("%s The worker ends.", message["refused"])
                os.kill(os.getpid(), signal.SIGTERM)
                return

    def _watch(self) -> None:
        """Watch the lease without agent or database, because both may be unavailable."""
        while not self._ending.wait(LEASE_POLL_SECONDS):
            self._end_runs_past_lease()

    def _end_runs_past_lease(self) -> None:
        if self._spec["can_kill"]:
            self._lease_expiry.end_runs()

    def _guard(self) -> None:
        """Restart the agent whenever it dies, even while the worker drains."""
        while not self._ending.is_set():
            agent = self._agent
            code = agent.wait() if agent else 0
            if self._ending.is_set():
                return
            logger.warning("the agent ended with %s and is started again", code)
            self._spawn()
            time.sleep(REPORT_SECONDS)
