"""The agent's main loop: hear the worker, see its processes die, keep its window full."""

from __future__ import annotations

import logging
import os
import select
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, Error, connections

from offload.conf import settings
from offload.core.exceptions import NameInUse
from offload.core.retries import Cause
from offload.diagnostics import outage
from offload.dispatch.dispatching import FULL_LANE_SECONDS
from offload.fleet import membership
from offload.queues import declared
from offload.topology import hub
from offload.worker.agent import naming
from offload.worker.agent.heartbeat import Heartbeat
from offload.worker.agent.leading import Leader
from offload.worker.agent.processes import Process, descendants, end
from offload.worker.agent.window import Window
from offload.worker.reports import Report

if TYPE_CHECKING:
    import psutil

    from offload.core.envelopes import Key
    from offload.worker.link import Link

logger = logging.getLogger("offload.agent")

#: Seconds between two looks at the window while jobs come, and while none do.
BUSY_LOOK_SECONDS, IDLE_LOOK_SECONDS = 0.25, 1.0
#: Seconds after news, such as the end of a run, until one look more: who submitted while no slot
#: was idle has left binding to the agents.
LOOK_AGAIN_SECONDS = FULL_LANE_SECONDS + 0.01
#: Seconds a worker has to say that it ended a process itself.
KILL_REPORT_SECONDS = 0.05
#: Seconds between two looks at what the running jobs have started themselves.
CENSUS_SECONDS = 2.0


class Agent:
    """The process beside one worker (A1)."""

    def __init__(self, spec: dict[str, Any], link: Link) -> None:
        """Take what the worker said of itself, and the link to it."""
        self._spec = spec
        self._link = link
        self._snapshot = Report(concurrency=spec["concurrency"])
        self._parent = Process(spec["pid"])
        self._children: dict[int, Process] = {}
        self._family: list[psutil.Process] = []
        self._counted = 0.0
        #: Whether the worker said goodbye.
        self._is_dismissed = False

    @property
    def name(self) -> str:
        """Return the nodename."""
        return str(self._spec["name"])

    def run(self) -> int:
        """Announce the worker until it ends; return the exit code."""
        incarnation = self._settle()
        if incarnation is None:
            return 1
        self.heartbeat = Heartbeat(self.name, incarnation, self._link, self._spec)
        self.leader = Leader(self.name, self.heartbeat)
        self.window = Window(self.name, self.heartbeat, self._spec["can_kill"])
        self.heartbeat.start()
        self.leader.start()
        hub.listen_for(self.name)
        try:
            return self._watch()
        finally:
            connections.close_all()

    def _settle(self) -> str | None:
        try:
            incarnation = naming.settle(naming.announced(self._spec), again=self._spec["restarted"])
            if old := outage.of_tables():
                logger.error("%s", old)
            else:
                declared.sync(remove=False)
        except DatabaseError as error:
            self._link.send({"refused": outage.of_database(error), "taken": False})
            return None
        except Exception as error:
            self._link.send({"refused": str(error), "taken": isinstance(error, NameInUse)})
            return None
        self._link.send({"settled": incarnation})
        return incarnation

    def _watch(self) -> int:
        next_look, news = 0.0, self._snapshot.news
        while True:
            ready = self._poll(max(0.0, next_look - time.monotonic()))
            if self._parent.is_dead or self._parent.fileno() in ready:
                return self._bury()
            if self._link.fileno() in ready:
                self._hear()
            if not self._is_dismissed:
                self._mourn(ready)
            if self._is_dismissed:
                return self._part()
            if self.heartbeat.is_superseded:
                return self._give_way()
            told, news = self._snapshot.news != news, self._snapshot.news
            if told or time.monotonic() >= next_look:
                found = self._look()
                calm = BUSY_LOOK_SECONDS if found or self._snapshot.running else IDLE_LOOK_SECONDS
                next_look = time.monotonic() + (LOOK_AGAIN_SECONDS if told else calm)

    def _poll(self, timeout: float) -> set[int]:
        watched = [self._link.fileno(), self._parent.fileno()]
        watched += [child.fileno() for child in self._children.values()]
        poll = select.poll()
        for descriptor in watched:
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        return {descriptor for descriptor, _ in poll.poll(timeout * 1000)}

    def _hear(self) -> None:
        """Take what the worker said, also that it ends."""
        said: dict[str, Any] | None = self._link.receive(0)
        while said is not None:
            if "goodbye" in said:
                self._is_dismissed = True
                return
            self._snapshot = Report.read(said)
            said = self._link.receive(0)
        self.heartbeat.hear(self._snapshot)
        self._adopt()

    def _adopt(self) -> None:
        """Watch the processes of the running jobs, from their first job on."""
        pids = set(self._snapshot.running.values())
        for pid in pids - self._children.keys():
            self._children[pid] = Process(pid)
        if pids and time.monotonic() - self._counted > CENSUS_SECONDS:
            self._counted = time.monotonic()
            self._family = descendants(self._spec["pid"])

    def _mourn(self, ready: set[int]) -> None:
        """End the attempts whose process is dead.

        A worker that ended one itself, at its time limit, says so at the same moment, and one
        that dies takes its children along: that is waited for first.
        """
        dead = [
            pid for pid, child in self._children.items() if child.is_dead or child.fileno() in ready
        ]
        bereft = {key: pid for key, pid in self._snapshot.running.items() if pid in dead}
        # At once: what its parent has fetched, an older Linux does not tell.
        deaths = {key: self._death(key, pid) for key, pid in bereft.items()}
        for pid in dead:
            self._children.pop(pid).close()
        if dead and self._is_orphaned():
            return
        for key, (cause, told) in self._snapshot.lost.items():
            bereft.pop(key, None)
            self._safely(self.window.lose, key, cause, told)
        for key in bereft:
            self._safely(self.window.lose, key, Cause.CRASHED, deaths[key])

    def _death(self, key: Key, pid: int) -> str:
        died = self._children[pid].death(killed=key in self.window.killed)
        return f"its process {pid} on {self.name} {died}"

    def _is_orphaned(self) -> bool:
        """Hear the worker for a moment; return whether it died in it."""
        deadline = time.monotonic() + KILL_REPORT_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            ready = self._poll(left)
            if self._parent.fileno() in ready:
                return True
            if self._link.fileno() in ready:
                self._hear()
            if self._is_dismissed:
                break
        return False

    def _look(self) -> int:
        found: int | None = self._safely(self.window.look, self._snapshot)
        if settled := self.window.settled(self._snapshot):
            self._link.send({"settled_runs": settled})
        if self.window.stopped:
            self._link.send({"stopped_runs": list(self.window.stopped)})
        return found or 0

    def _safely(self, act: Any, *args: Any) -> Any:
        """Act; what fails, such as for a database that is away, is tried again at the next look."""
        try:
            return act(*args)
        except Error as error:
            logger.warning("%s: %s", getattr(act, "__name__", act), error)
            self.heartbeat.drop_connection()
        except Exception:
            logger.exception("%s failed", getattr(act, "__name__", act))
        return None

    def _bury(self) -> int:
        """Move everything away from a worker that died: the pool dies with it."""
        died = self._parent.death()
        end([*self._family, *descendants(self._spec["pid"])])
        self._depart(f"its worker {died}", crash=True)
        return 0

    def _part(self) -> int:
        self._depart("goodbye", crash=False)
        return 0

    def _depart(self, reason: str, *, crash: bool) -> None:
        """Leave first: what ran here waits for that, and a duty that hangs waits for nothing."""
        self.heartbeat.stop()
        self.leader.halt()
        deadline = time.monotonic() + settings().timeout
        while time.monotonic() < deadline:
            with suppress(Error):
                membership.leave(self.name, self.heartbeat.incarnation, reason=reason, crash=crash)
                self.leader.resign()
                return
            self.heartbeat.drop_connection()
            time.sleep(BUSY_LOOK_SECONDS)

    def _give_way(self) -> int:
        """End the worker: another incarnation has its name."""
        logger.error("%s is superseded by another worker of that name", self.name)
        self.heartbeat.stop()
        self.leader.halt()
        with suppress(ProcessLookupError):
            os.kill(self._spec["pid"], signal.SIGTERM)
        return 0
