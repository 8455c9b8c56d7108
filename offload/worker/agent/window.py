"""An instance's own window: refilled, reconciled, and given back where rules forbid it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.placement.topology import Mode
from offload.core.retries import Cause
from offload.dispatch import dispatching, republishing
from offload.fleet import rule_enforcement
from offload.fleet.snapshots import now as database_time
from offload.fleet.snapshots import snapshot as topology_snapshot
from offload.jobs import losses, refusals, stopping
from offload.tracking.queries import active_on, forced_on
from offload.tracking.selectors import Seat
from offload.worker.liveness import boottime

if TYPE_CHECKING:
    from offload.core.envelopes import Key
    from offload.worker.agent.heartbeat import Heartbeat
    from offload.worker.reports import Report

#: Seconds between two comparisons of what should run with what does.
RECONCILE_SECONDS = 3.0
REPUBLISH_SECONDS = 1.0
#: Seconds between two questions for bound jobs that the rules forbid (B8).
FORBIDDEN_LOOK_SECONDS = 1.5
#: Seconds between two questions for runs to be ended by force.
STOP_LOOK_SECONDS = 0.5


@dataclass(slots=True)
class Window:
    """The jobs bound to this instance, level-triggered: every look reads the rows."""

    name: str
    heartbeat: Heartbeat
    #: Whether the pool has a process per run.
    can_kill: bool
    #: Version and period of the rules that were acted by last, and when that was.
    _applied: tuple[int, int] = (-1, 0)
    _applied_at: float = 0.0
    #: When the rows were last compared with a snapshot, by ``boottime``.
    _reconciled: float = 0.0
    _republished: float = 0.0
    #: Runs that were missing in the last comparison, and when they were not yet.
    _missing: dict[Key, float] = field(default_factory=dict)
    _lost: set[Key] = field(default_factory=set)
    _asked: float = 0.0
    #: Runs whose process was killed on request.
    killed: set[Key] = field(default_factory=set)
    #: Runs whose jobs were stopped since Celery was asked to end them.
    stopped: set[Key] = field(default_factory=set)

    def look(self, worker: Report) -> int:
        """Do what is to be done now; return how many jobs were bound."""
        self._lost &= worker.lost.keys() | worker.refused.keys()
        self._apply()
        self._stop(worker)
        self._kill(worker)
        # A2
        if worker.mode is Mode.DRAINING:
            rule_enforcement.give_back_unbegun(self.name, self.heartbeat.incarnation)
            return 0
        if worker.mode is Mode.READY:
            self._republish(worker)
        self._refuse(worker)
        self._reconcile(worker)
        return dispatching.refill(self.name) if worker.mode is Mode.READY else 0

    def settled(self, worker: Report) -> list[Key]:
        """Return which lost and refused runs that the worker tells of are dealt with."""
        return [key for key in (*worker.lost, *worker.refused) if key in self._lost]

    def _stop(self, worker: Report) -> None:
        """Stop jobs that Celery was asked to end: it would only end this run of them."""
        for key, force in worker.stops.items():
            stopping.stop_jobs([key[0]], force=force)
            self.stopped.add(key)
        self.stopped &= worker.stops.keys()

    def lose(self, key: Key, cause: str, told: str) -> None:
        """End an attempt whose process is lost, once; one killed on request did not crash."""
        if key not in self._lost:
            cause = Cause.STOPPED_FORCED if key in self.killed else cause
            here = Seat(instance=self.name, incarnation=self.heartbeat.incarnation)
            losses.ended(*key, cause=cause, told=told, here=here)
            self._lost.add(key)

    def _refuse(self, worker: Report) -> None:
        """Give back jobs whose task this worker does not know, and say so of the task."""
        for key, task in worker.refused.items():
            if key not in self._lost:
                refusals.refuse(*key, instance=self.name, task=task)
                self._lost.add(key)

    def _kill(self, worker: Report) -> None:
        """Kill the processes of runs that are to be ended by force; their death ends them (E2)."""
        now = time.monotonic()
        if not self.can_kill or not worker.running or now - self._asked < STOP_LOOK_SECONDS:
            return
        self._asked = now
        self.killed &= worker.running.keys()
        for key in forced_on(self.name, self.heartbeat.incarnation) - self.killed:
            if key in worker.running:
                self.killed.add(key)
                with suppress(ProcessLookupError):
                    os.kill(worker.running[key], signal.SIGKILL)

    def _apply(self) -> None:
        """Act by the rules as they are now, and announce which those are.

        A rule that ends raises no version, and what was bound by an older picture may be
        committed after the recall of a newer one: the time is looked at too, and the rows again.
        """
        seen, at = topology_snapshot(), time.monotonic()
        rules = (seen.version, seen.topology.period(database_time()))
        if rules != self._applied:
            rule_enforcement.apply(self.name, self.heartbeat.incarnation, seen)
        elif at - self._applied_at > FORBIDDEN_LOOK_SECONDS:
            rule_enforcement.give_back_forbidden(self.name, seen)
        else:
            return
        self._applied, self._applied_at = rules, at

    def _republish(self, worker: Report) -> None:
        now = time.monotonic()
        if now - self._republished > REPUBLISH_SECONDS and worker.has_idle_slot:
            self._republished = now
            # What is told as lost is not sent again before that is dealt with: it may begin.
            here = worker.held | worker.running.keys() | worker.lost.keys()
            republishing.send_again(self.name, self.heartbeat.incarnation, held=here)

    def _reconcile(self, worker: Report) -> None:
        """End attempts that the database says run here and the worker does not know, twice (R9).

        What the worker said before the last comparison says nothing about the runs in it: a job
        that keeps its process busy, or a signal, may hold it up from saying more.
        """
        if worker.at < self._reconciled + min(RECONCILE_SECONDS, settings().timeout):
            return
        before, active = self._reconciled, active_on(self.name, self.heartbeat.incarnation)
        self._reconciled = boottime()
        missing = active - worker.running.keys() - worker.held
        for key in missing & self._missing.keys():
            cause = self._cause_since(self._missing[key])
            losses.ended(*key, cause=cause, told=f"{self.name} does not run it")
        self._missing = {key: self._missing.get(key, before) for key in missing}

    def _cause_since(self, moment: float) -> Cause:
        """Return why a run is missing: over an outage nobody learns what became of a claim."""
        # R10
        return Cause.LEASE_EXPIRED if self.heartbeat.resumed_at > moment else Cause.CRASHED
