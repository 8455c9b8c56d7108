"""An instance's own window: refilled, reconciled with the rows, and cleared of forbidden jobs."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from offload.conf import settings
from offload.core.placement.topology import Mode
from offload.core.retries import Cause
from offload.dispatch import dispatching, republishing
from offload.dispatch.dispatching import room_of
from offload.fleet.snapshots import now as database_time
from offload.fleet.snapshots import snapshot
from offload.jobs import losses, refusals, stopping
from offload.rules import enforcement
from offload.tracking.queries import active_on, forced_on, rerunning_on
from offload.tracking.selectors import Holder
from offload.worker.agent.suspicion import Suspicion
from offload.worker.end_rate import EndRate
from offload.worker.liveness import boottime

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.envelopes import Key
    from offload.worker.agent.heartbeat import Heartbeat
    from offload.worker.reports import Report

#: Seconds between two comparisons of the jobs that should run with those that do.
RECONCILE_SECONDS = 3.0
REPUBLISH_SECONDS = 1.0
#: Seconds between two checks for bound jobs that the rules forbid (B8).
FORBIDDEN_POLL_SECONDS = 1.5
#: Seconds of work, at the recent pace, that are bound ahead; and the largest window.
WINDOW_SECONDS, WINDOW_MAX = 0.1, 1000
#: Seconds between two checks for runs that must be stopped by force.
STOP_POLL_SECONDS = 0.5


@dataclass(slots=True)
class Window:
    """The jobs bound to this instance, level-triggered: every look reads the rows."""

    name: str
    heartbeat: Heartbeat
    #: Whether the pool has a process per run.
    can_kill: bool
    #: Sends the worker a message.
    tell: Callable[[dict[str, Any]], object] = lambda _: None
    #: Returns seconds that only grow.
    clock: Callable[[], float] = time.monotonic
    #: Returns seconds by which reports of the worker are dated.
    boot_clock: Callable[[], float] = boottime
    #: Version and period of the rules that were acted by last, and when that was.
    _applied: tuple[int, int] = (-1, 0)
    _applied_at: float = 0.0
    #: The last comparison of the rows with a report, by ``boottime``.
    _reconciled: float = 0.0
    _republished: float = 0.0
    #: Runs that were missing in the last comparison, and the last time when they were not.
    _missing: dict[Key, float] = field(default_factory=dict)
    _lost: set[Key] = field(default_factory=set)
    _asked: float = 0.0
    #: Runs whose process was killed on request, and why.
    killed: dict[Key, Cause] = field(default_factory=dict)
    #: Runs whose jobs were stopped because Celery was asked to end them.
    stopped: set[Key] = field(default_factory=set)
    suspicion: Suspicion = field(init=False)
    pace: EndRate = field(default_factory=EndRate)
    #: The number of ended runs that were counted.
    _ended: int = 0

    def __post_init__(self) -> None:
        """Begin without suspicion."""
        self.suspicion = Suspicion(
            self.name, self.heartbeat, lambda why: self.tell({"restart": why}), clock=self.clock
        )

    def look(self, worker: Report) -> int:
        """Do what is due now; return how many jobs were bound."""
        self._lost &= worker.lost.keys() | worker.refused.keys()
        is_suspect = self.suspicion.act()
        self._apply()
        self._stop(worker)
        self._kill(worker)
        # A2
        if worker.mode is Mode.DRAINING:
            enforcement.give_back_unstarted(self.name, self.heartbeat.incarnation)
            return 0
        again = self._republish(worker) if worker.mode is Mode.READY else 0
        self.suspicion.listen(worker, is_missing=again > 0)
        self._refuse(worker)
        self._reconcile(worker)
        takes_work = worker.mode is Mode.READY and not is_suspect
        return dispatching.refill(self.name, window=self._size(worker)) if takes_work else 0

    def _size(self, worker: Report) -> int:
        """Return how many jobs to hold: what the recent pace makes of a fraction of a second."""
        self.pace.count(max(0, worker.ended - self._ended))
        self._ended = worker.ended
        usual = room_of(self.name, snapshot(), idle=False)
        return max(usual, min(WINDOW_MAX, worker.concurrency + self._ahead))

    @property
    def _ahead(self) -> int:
        return int(self.pace.per_second * WINDOW_SECONDS)

    def settled(self, worker: Report) -> list[Key]:
        """Return the reported lost and refused runs that have been dealt with."""
        return [key for key in (*worker.lost, *worker.refused) if key in self._lost]

    def _stop(self, worker: Report) -> None:
        """Stop the jobs of runs that Celery was asked to end; it would only end the runs."""
        for key, force in worker.stops.items():
            stopping.stop_jobs([key[0]], force=force)
            self.stopped.add(key)
        self.stopped &= worker.stops.keys()

    def lose(self, key: Key, cause: str, detail: str) -> None:
        """End an attempt whose process is lost, once; a kill on request is no crash."""
        if key not in self._lost:
            cause = self.killed.get(key, cause)
            holder = Holder(instance=self.name, incarnation=self.heartbeat.incarnation)
            losses.ended(key, cause=cause, detail=detail, holder=holder)
            self._lost.add(key)

    def _refuse(self, worker: Report) -> None:
        """Give back jobs whose task this worker does not know, and count the refusal."""
        for key, task in worker.refused.items():
            if key not in self._lost:
                refusals.refuse(key, instance=self.name, task=task)
                self._lost.add(key)

    def _kill(self, worker: Report) -> None:
        """Kill the processes of runs to stop by force, and of those that a drain gives back.

        Their death ends the runs (E2).
        """
        now = self.clock()
        if not self.can_kill or not worker.running or now - self._asked < STOP_POLL_SECONDS:
            return
        self._asked = now
        self.killed = {key: why for key, why in self.killed.items() if key in worker.running}
        for key in forced_on(self.name, self.heartbeat.incarnation):
            self._kill_one(worker, key, Cause.STOPPED_FORCED)
        mine = snapshot().topology.instance(self.name)
        if mine and mine.switch and mine.switch.gives_back(database_time()):
            for key in rerunning_on(self.name, self.heartbeat.incarnation):
                self._kill_one(worker, key, Cause.STOPPED_ORDERLY)

    def _kill_one(self, worker: Report, key: Key, why: Cause) -> None:
        if key in worker.running and key not in self.killed:
            self.killed[key] = why
            with suppress(ProcessLookupError):
                os.kill(worker.running[key], signal.SIGKILL)

    def _apply(self) -> None:
        """Apply the current rules, and announce them.

        A rule that ends raises no version, so the time counts too. A binding under older rules may
        be committed after the recall by newer ones, so the rows are checked again.
        """
        current, at = snapshot(), self.clock()
        rules = (current.version, current.topology.period(database_time()))
        if rules != self._applied:
            enforcement.apply(self.name, self.heartbeat.incarnation, current)
        elif at - self._applied_at > FORBIDDEN_POLL_SECONDS:
            enforcement.give_back_forbidden(self.name, current)
        else:
            return
        self._applied, self._applied_at = rules, at

    def _republish(self, worker: Report) -> int:
        """Send jobs again that did not arrive although a process is free; return how many."""
        now = self.clock()
        if now - self._republished <= REPUBLISH_SECONDS or not worker.has_idle_slot:
            return 0
        self._republished = now
        # A run that is reported lost must be dealt with before it is sent again, as it may begin.
        kept = worker.held | worker.running.keys() | worker.ending | worker.lost.keys()
        return republishing.send_again(self.name, self.heartbeat.incarnation, held=kept)

    def _reconcile(self, worker: Report) -> None:
        """End attempts that run here by the database and that the worker did not report twice (R9).

        A report from before the last comparison proves nothing about its runs: a job that keeps its
        process busy, or a signal, may delay further reports.
        """
        if worker.at < self._reconciled + min(RECONCILE_SECONDS, settings().timeout):
            return
        before, active = self._reconciled, active_on(self.name, self.heartbeat.incarnation)
        self._reconciled = self.boot_clock()
        missing = active - worker.running.keys() - worker.held - worker.ending
        for key in missing & self._missing.keys():
            cause = self._cause_since(self._missing[key])
            losses.ended(key, cause=cause, detail=f"{self.name} does not run it")
        self._missing = {key: self._missing.get(key, before) for key in missing}

    def _cause_since(self, moment: float) -> Cause:
        """Return why a run is missing: after an outage, the outcome of its claim is unknown."""
        # R10
        return Cause.LEASE_EXPIRED if self.heartbeat.resumed_at > moment else Cause.CRASHED
