"""The agent's main loop: read reports, notice deaths of processes, keep the window full."""

from __future__ import annotations

import logging
import os
import select
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.db import Error, connections

from offload.conf import settings
from offload.dispatch.full_lanes import FULL_LANE_SECONDS
from offload.fleet import membership
from offload.launchers import folder_watch
from offload.topology import current, hub
from offload.worker import wakeup_thread
from offload.worker.agent import naming
from offload.worker.agent.groups import Groups
from offload.worker.agent.heartbeat import Heartbeat
from offload.worker.agent.leading import Leader
from offload.worker.agent.peer_threads import PeerThreads
from offload.worker.agent.processes import Family, Process
from offload.worker.agent.tidying import Tidying
from offload.worker.agent.window import Window
from offload.worker.reports import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.envelopes import Key
    from offload.launchers.folder_watch import FolderThread
    from offload.worker.link import Link
    from offload.worker.wakeup_thread import WakeupThread

logger = logging.getLogger("offload.agent")

#: Seconds between two polls at the window while there are jobs, and while there are none.
BUSY_POLL_SECONDS, IDLE_POLL_SECONDS = 0.25, 1.0
#: Seconds after news, such as the end of a run, until one more look, or until the first one if the
#: news are not urgent: submissions leave binding to the agents while no slot is idle.
POLL_AGAIN_SECONDS = FULL_LANE_SECONDS + 0.01
#: Seconds for a worker to report that it ended a process itself.
KILL_REPORT_SECONDS = 0.05


class Agent:
    """The process beside one worker (A1)."""

    def __init__(
        self, spec: dict[str, Any], link: Link, *, poll: Callable[[], Any] = select.poll
    ) -> None:
        """Take the worker's specification and the link to it; ``poll`` makes objects to poll by."""
        self._spec = spec
        self._link = link
        self._make_poll = poll
        self._report = Report(concurrency=spec["concurrency"])
        self._parent = Process(spec["pid"])
        self._children: dict[int, Process] = {}
        self._family = Family(spec["pid"])
        self._tidying = Tidying()
        self._is_dismissed = False  # once the worker said goodbye
        self.peers = PeerThreads()
        self._threads: list[FolderThread | WakeupThread] = []
        self._groups: Groups | None = None

    @property
    def name(self) -> str:
        """Return the nodename."""
        return str(self._spec["name"])

    def run(self) -> int:
        """Announce the worker until it ends; return the exit code."""
        incarnation = naming.introduce(self._spec, self._link)
        if incarnation is None:
            return 1
        self.heartbeat = Heartbeat(self.name, incarnation, self._link, self._spec)
        self.leader = Leader(self.name, self.heartbeat)
        self.window = Window(self.name, self.heartbeat, self._spec["can_kill"], self._link.send)
        self._groups = Groups(self._spec["groups"], self.heartbeat, self.peers.runs_ended)
        self.heartbeat.start()
        self._groups.start()
        self.leader.start()
        current.belong_to(self.name)
        hub.listen_for(self.name)
        self._tidying.begin()
        self.peers.start(self.name)
        self._threads = [*folder_watch.start(self.name), *wakeup_thread.start(self.heartbeat)]
        try:
            return self._watch()
        finally:
            self._tidying.finish()
            connections.close_all()

    def _watch(self) -> int:
        next_look, news = 0.0, self._report.news
        while True:
            ready = self._poll(max(0.0, next_look - time.monotonic()))
            if self._parent.is_dead or self._parent.fileno() in ready:
                return self._evacuate()
            if self._link.fileno() in ready:
                self._hear()
            if not self._is_dismissed:
                self._reap(ready)
            if self._is_dismissed:
                return self._leave("goodbye", crash=False)
            if self.heartbeat.is_superseded:
                return self._end_superseded()
            is_new, is_urgent = self._report.news != news, self._report.is_urgent(news)
            news = self._report.news
            if is_new:
                self.peers.runs_ended()
                next_look = min(next_look, time.monotonic() + POLL_AGAIN_SECONDS)
            if (is_new and is_urgent) or time.monotonic() >= next_look:
                found = self._look()
                calm = BUSY_POLL_SECONDS if found or self._report.running else IDLE_POLL_SECONDS
                next_look = time.monotonic() + (POLL_AGAIN_SECONDS if is_new else calm)

    def _poll(self, timeout: float) -> set[int]:
        watched = [self._link.fileno(), self._parent.fileno()]
        watched += [child.fileno() for child in self._children.values()]
        poll = self._make_poll()
        for descriptor in watched:
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        return {descriptor for descriptor, _ in poll.poll(timeout * 1000)}

    def _hear(self) -> None:
        """Read the worker's reports and its goodbye."""
        message: dict[str, Any] | None = self._link.receive(0)
        while message is not None:
            if "goodbye" in message:
                self._is_dismissed = True
                return
            self._report = Report.read(message)
            message = self._link.receive(0)
        self.heartbeat.hear(self._report)
        self._track_children()

    def _track_children(self) -> None:
        """Watch the processes of the running jobs, from each one's first job on."""
        pids = set(self._report.running.values())
        for pid in pids - self._children.keys():
            self._children[pid] = Process(pid)
        # A pool's processes are noted before their first job: their worker may die right then.
        if pids or (self._spec["can_kill"] and not self._family.has_others):
            self._family.note()

    def _reap(self, ready: set[int]) -> None:
        """End the attempts whose process is dead.

        A worker that ended one itself, at its time limit, reports that at the same moment, and a
        worker that dies takes its children along, so wait for both first.
        """
        dead = [
            pid for pid, child in self._children.items() if child.is_dead or child.fileno() in ready
        ]
        ended = {key: pid for key, pid in self._report.running.items() if pid in dead}
        # At once, because older kernels do not tell the exit code once the parent has fetched it.
        deaths = {key: self._death(key, pid) for key, pid in ended.items()}
        for pid in dead:
            self._children.pop(pid).close()
        if dead and self._is_orphaned():
            return
        if dead:
            self._tidying.begin()
        for key, (cause, detail) in self._report.lost.items():
            ended.pop(key, None)
            self._safely(self.window.lose, key, cause, detail)
        for key in ended:
            self._safely(self.window.lose, key, *deaths[key])

    def _death(self, key: Key, pid: int) -> tuple[str, str]:
        cause, died = self._children[pid].end(killed=key in self.window.killed)
        return cause, f"its process {pid} on {self.name} {died}"

    def _is_orphaned(self) -> bool:
        """Read reports for a moment; return whether the worker died."""
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
        found: int | None = self._safely(self.window.look, self._report)
        if settled := self.window.settled(self._report):
            self._link.send({"settled_runs": settled})
        if self.window.stopped:
            self._link.send({"stopped_runs": list(self.window.stopped)})
        return found or 0

    def _safely(self, act: Any, *args: Any) -> Any:
        """Call a function; log a failure, as the next look tries again."""
        try:
            return act(*args)
        except Error as error:
            logger.warning("%s: %s", getattr(act, "__name__", act), error)
            self.heartbeat.drop_connection()
        except Exception:
            logger.exception("%s failed", getattr(act, "__name__", act))
        return None

    def _evacuate(self) -> int:
        """Move all jobs away from a dead worker, whose pool died with it."""
        died = self._parent.death()
        self._hear()
        dying = [*self._children.values(), *self._family.end()]
        self._tidying.begin([one for one in dying if not one.is_dead])
        return self._leave(f"its worker {died}", crash=True)

    def _leave(self, reason: str, *, crash: bool) -> int:
        """Leave first: the jobs wait for that, and a hanging duty must not delay it."""
        if self._groups is not None:
            self._groups.finish(settings().timeout)
        self._stop_threads()
        deadline = time.monotonic() + settings().timeout
        while time.monotonic() < deadline:
            with suppress(Error):
                membership.leave(self.name, self.heartbeat.incarnation, reason=reason, crash=crash)
                self.leader.resign()
                return 0
            self.heartbeat.drop_connection()
            time.sleep(BUSY_POLL_SECONDS)
        return 0

    def _stop_threads(self) -> None:
        self.heartbeat.stop()
        self.leader.halt()
        self.peers.stop()
        for one in self._threads:
            one.stop()

    def _end_superseded(self) -> int:
        """End the worker, because another incarnation has its name."""
        logger.error("%s is superseded by another worker of that name", self.name)
        self._stop_threads()
        with suppress(ProcessLookupError):
            os.kill(self._spec["pid"], signal.SIGTERM)
        return 0
