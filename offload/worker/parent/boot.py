"""The boot step in a worker's parent process, which never opens a database connection (A1)."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from celery import signals

from offload.conf import settings
from offload.core.placement.topology import Mode
from offload.messaging.installation import module
from offload.messaging.publisher import instance_queue
from offload.worker.connections import do_without_pools
from offload.worker.lazy import lazy
from offload.worker.link import Link
from offload.worker.liveness import lease
from offload.worker.parent import refusals
from offload.worker.parent.broker import look_for_broker
from offload.worker.parent.consuming import SNAPSHOT_SECONDS, Tick
from offload.worker.parent.in_flight import in_flight
from offload.worker.parent.lease_expiry import LEASE_LOOK_SECONDS, LeaseExpiry
from offload.worker.parent.missing import refuse_missing_app
from offload.worker.pool.query_log import warn_of_queries
from offload.worker.pool.softlimit import restore_handler
from offload.worker.pool.watch import watch_tasks
from offload.worker.tasks.task import EXECUTE, consumers_of
from offload.worker.tracer import TRACE

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger("offload.worker")

#: Seconds an agent has to settle the worker's name, or to say goodbye, until a word is said.
AGENT_TIMEOUT_SECONDS = 30.0
#: Seconds that a process which ends takes for it.
EXIT_SECONDS = 1.0
NAME_NOT_SETTLED = (
    "the agent, process %s, lives and has not settled the worker's name yet; it is waited for. "
    "Look whether the database answers"
)
#: Seconds in which changes are gathered into one snapshot: while jobs wait for the pool, and
#: while the pool waits for jobs.
BUSY_GATHER_SECONDS, IDLE_GATHER_SECONDS = 0.01, 0.001
EX_UNAVAILABLE, EX_SOFTWARE = 69, 70


def connect(app: Celery) -> None:
    """Take part in the life of the workers of this app."""
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
    """The worker's parent process: spawns the agent, tells it what is held, keeps it alive."""

    def __init__(self, app: Celery) -> None:
        """Wait for Celery's signals."""
        self._app = app
        self._link: Link | None = None
        self._agent: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()
        self._lease_expiry = LeaseExpiry(lease, in_flight)

    def on_init(self, sender: Any, **_: object) -> None:
        """Settle the name before pool and consumer start; end the worker where it is taken."""
        if sender.app is not self._app and sender.app != self._app:
            return
        try:
            self._begin(sender)
        except Exception as error:
            # Celery would log it and go on: a worker that nobody announces, and that runs no job.
            logger.exception("the worker cannot begin, and ends")
            raise SystemExit(EX_SOFTWARE) from error

    def _begin(self, sender: Any) -> None:
        refuse_missing_app()
        refusals.refuse_wrong_settings()
        refusals.refuse_wrong_pool(str(sender.pool_cls))
        refusals.refuse_clashes(consumers_of(self._app))
        refusals.refuse_listeners()
        # Loaded before the pool forks, not by the first job of every child.
        lazy(EXECUTE)
        lazy(TRACE)
        do_without_pools()
        watch_tasks()
        self._spec = self._specify(sender)
        in_flight.concurrency = self._spec["concurrency"]
        lease.extend(0.0)
        self._spawn()
        if not self._is_settled():
            raise SystemExit(EX_UNAVAILABLE)
        _consume_own_queue(self._app, sender.hostname)
        self._app.steps["consumer"].add(Tick)
        for run in (self._tell, self._listen, self._guard, self._watch):
            threading.Thread(target=run, name=f"offload{run.__name__}", daemon=True).start()
        look_for_broker()

    def _specify(self, sender: Any) -> dict[str, Any]:
        prefork = "prefork" in str(sender.pool_cls) or "processes" in str(sender.pool_cls)
        solo = "solo" in str(sender.pool_cls)
        given = sender.concurrency if isinstance(sender.concurrency, int) else os.cpu_count()
        return {
            "name": sender.hostname,
            "pid": os.getpid(),
            "module": module(),
            "consumers": consumers_of(self._app),
            "concurrency": 1 if solo else given or 1,
            "can_kill": prefork,
            "can_limit": prefork,
            "labels": sorted({*settings().labels, *_labels_of_environment()}),
        }

    def _spawn(self) -> None:
        ours, theirs = Link.pair()
        spec = {**self._spec, "link": theirs.fileno(), "restarted": self._link is not None}
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._agent = subprocess.Popen(  # noqa: S603 - our own module, without a shell
            [sys.executable, "-m", "offload.worker.agent", json.dumps(spec)],
            pass_fds=[theirs.fileno()],
            env=environment,
            start_new_session=True,
        )
        theirs.close()
        self._link, former = ours, self._link
        if former is not None:
            former.close()

    def _is_settled(self) -> bool:
        """Wait for the agent as long as it lives; return whether it has the name."""
        answer = self._heard(AGENT_TIMEOUT_SECONDS)
        while answer is None and self._agent_lives():
            logger.warning(NAME_NOT_SETTLED, self._agent.pid if self._agent else 0)
            answer = self._heard(AGENT_TIMEOUT_SECONDS)
        # One that refuses says so and ends, perhaps between the two questions.
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
        """Take work."""
        in_flight.set_mode(Mode.READY)

    def on_shutting_down(self, **_: object) -> None:
        """Take nothing new; what runs goes on under a live heartbeat.

        Celery calls this in its signal handler: it takes no lock.
        """
        in_flight.set_mode(Mode.DRAINING)

    def on_shutdown(self, **_: object) -> None:
        """Let the agent say goodbye, after the pool is drained (A2)."""
        if self._agent is None:
            return
        self._ending.set()
        if self._link:
            self._link.send({"goodbye": True})
        with suppress(subprocess.TimeoutExpired):
            self._agent.wait(AGENT_TIMEOUT_SECONDS)

    def _tell(self) -> None:
        while not self._ending.is_set():
            in_flight.changed.wait(SNAPSHOT_SECONDS)
            time.sleep(IDLE_GATHER_SECONDS)
            in_flight.gather(BUSY_GATHER_SECONDS)
            in_flight.changed.clear()
            if self._link:
                self._link.send(in_flight.snapshot())

    def _listen(self) -> None:
        while not self._ending.is_set():
            link = self._link
            # Not for ever: another agent has another link.
            said = link.receive(SNAPSHOT_SECONDS) if link else None
            if said is None:
                time.sleep(BUSY_GATHER_SECONDS * 10)
            elif "lease" in said:
                self._end_runs_past_lease()
                lease.extend(said["lease"], said["incarnation"])
            elif "settled_runs" in said:
                in_flight.settle((job, epoch) for job, epoch in said["settled_runs"])
            elif "stopped_runs" in said:
                in_flight.stopped((job, epoch) for job, epoch in said["stopped_runs"])
            elif said.get("taken"):
                logger.error("%s The worker ends.", said["refused"])
                os.kill(os.getpid(), signal.SIGTERM)
                return

    def _watch(self) -> None:
        """Watch the lease, with nobody's help: agent and database may both be away."""
        while not self._ending.wait(LEASE_LOOK_SECONDS):
            self._end_runs_past_lease()

    def _end_runs_past_lease(self) -> None:
        if self._spec["can_kill"]:
            self._lease_expiry.end_runs()

    def _guard(self) -> None:
        """Start the agent again whenever it dies, also while the worker drains."""
        while not self._ending.is_set():
            agent = self._agent
            code = agent.wait() if agent else 0
            if self._ending.is_set():
                return
            logger.warning("the agent ended with %s and is started again", code)
            self._spawn()
            time.sleep(SNAPSHOT_SECONDS)


def _consume_own_queue(app: Celery, nodename: str) -> None:
    queues: Any = app.amqp.queues
    queue = queues.select_add(instance_queue(nodename))
    # CELERY_TASK_QUEUE_MAX_PRIORITY is for the site's own queues: RabbitMQ refuses who declares
    # a queue with other arguments than the publisher did.
    queue.queue_arguments = None


def _labels_of_environment() -> list[str]:
    return [label for label in os.environ.get("OFFLOAD_LABELS", "").split(",") if label]
