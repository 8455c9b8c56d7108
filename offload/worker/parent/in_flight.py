"""The state of a worker's parent process: held jobs, their runs, and its health."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from offload.core.placement.topology import Mode
from offload.core.retries import Cause
from offload.worker.liveness import boottime
from offload.worker.parent.wakeup import Wakeup
from offload.worker.reports import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from offload.core.envelopes import Key

#: Seconds for which a lost or refused run is reported until the agent has dealt with it: the agent,
#: or its database, may be unavailable for a while.
TELL_AGAIN_SECONDS = 600.0
#: Maximum number of them reported at once, and of characters of text each.
REPORTED_RUNS_MAX, DETAIL_MAX = 100, 1000


class AcceptedRun(NamedTuple):
    """A job that a pool process has taken."""

    pid: int
    #: Its delivery; another delivery of the same binding says nothing about it.
    by: Any


@dataclass(slots=True)
class InFlight:
    """Received jobs, accepted runs and lost runs; every change wakes the thread that reports."""

    mode: Mode = Mode.STARTING
    tick: float = field(default_factory=time.monotonic)
    connections: int = 0
    #: The number of ended runs; each frees a place in the window.
    ended: int = 0
    concurrency: int = 0
    #: The deliveries of jobs that wait for the pool.
    held: dict[Key, Any] = field(default_factory=dict)
    running: dict[Key, AcceptedRun] = field(default_factory=dict)
    #: Runs that are over, and whose ends the agent has not confirmed yet.
    ending: set[Key] = field(default_factory=set)
    lost: dict[Key, tuple[str, str, float]] = field(default_factory=dict)
    refused: dict[Key, tuple[str, float]] = field(default_factory=dict)
    #: Runs that Celery was asked to end, and whether by force.
    stops: dict[Key, bool] = field(default_factory=dict)
    changed: Wakeup = field(default_factory=Wakeup)
    #: The number of foreign messages in the instance's queue.
    malformed: int = 0
    #: The number of the last probe that arrived by the broker.
    probe: int = 0
    #: Why the consumer is to start anew; empty if it need not.
    restart: str = ""
    #: Set if so few jobs wait for the pool that it may soon have none.
    hungry: Wakeup = field(default_factory=Wakeup)
    #: Returns seconds that only grow.
    clock: Callable[[], float] = time.monotonic

    def knows(self, key: Key) -> bool:
        """Return whether another delivery of this binding already waits or runs here."""
        return key in self.held or key in self.running or key in self.ending

    def receive(self, key: Key, by: object) -> None:
        """Record a job that arrived by this delivery and waits for the pool."""
        self.held.setdefault(key, by)
        self.changed.set()

    def accept(self, key: Key, pid: int, by: object) -> None:
        """Record a job that a pool process has taken."""
        self._let_go(key, by)
        self.running.setdefault(key, AcceptedRun(pid, by))
        if self.is_hungry:
            self.hungry.set()
        self.changed.set()

    def _let_go(self, key: Key, by: object) -> None:
        if self.held.get(key) is by:
            self.held.pop(key, None)

    @property
    def is_hungry(self) -> bool:
        """Return whether so few jobs wait for the pool that it may soon have none."""
        return len(self.held) <= self.concurrency // 4

    def gather(self, timeout: float) -> None:
        """Wait up to that many seconds for more changes while enough jobs wait."""
        self.hungry.clear()
        if not self.is_hungry:
            self.hungry.wait(timeout)

    def finish(self, key: Key, by: object) -> None:
        """Record that a run is over whose end the agent is to write; ``end`` forgets it."""
        self.running.pop(key, None)
        self._let_go(key, by)
        self.ending.add(key)

    def end(self, key: Key, by: object) -> None:
        """Forget a run that reported its end, unless another delivery has it."""
        self.ending.discard(key)
        self._let_go(key, by)
        run = self.running.get(key)
        if run is not None and run.by is by:
            self.running.pop(key, None)
        self.ended += 1
        self.changed.set()

    def lose(self, key: Key, cause: str, detail: str, by: object) -> None:
        """Record a run that ended without a report, unless another delivery has it."""
        run = self.running.get(key)
        if run is None or run.by is by:
            self.lost.setdefault(key, (cause, detail[:DETAIL_MAX], self.clock()))
        self.end(key, by)

    def fail(self, key: Key, detail: str) -> None:
        """Record a job whose message failed before a process could take it."""
        self.held.pop(key, None)
        self.lost.setdefault(key, (Cause.FAILED, detail[:DETAIL_MAX], self.clock()))
        self.changed.set()

    def refuse(self, key: Key, task: str) -> None:
        """Record a job whose task this worker does not have."""
        self.refused[key] = (task, self.clock())
        self.changed.set()

    def malform(self) -> None:
        """Count a foreign message in the instance's queue."""
        self.malformed += 1
        self.changed.set()

    def receive_probe(self, number: int) -> None:
        """Record that a probe of the agent arrived by the broker."""
        self.probe = number
        self.changed.set()

    def take_restart(self) -> str:
        """Return why the consumer is to start anew, once; "" if it need not."""
        why, self.restart = self.restart, ""
        return why

    def stop(self, key: Key, *, force: bool) -> None:
        """Record that Celery was asked to end a run, by a client that does not know jobs."""
        self.stops[key] = force or self.stops.get(key, False)
        self.changed.set()

    def stopped(self, keys: Iterable[Key]) -> None:
        """Forget requests to end runs that are stored in the database."""
        for key in keys:
            self.stops.pop(key, None)

    def keep(self, kept: Collection[object]) -> None:
        """Record that the deliveries that wait for the pool are lost, except for these."""
        for key, by in list(self.held.items()):
            if by not in kept:
                self._let_go(key, by)
        self.changed.set()

    def reconnect(self) -> None:
        """Record a new broker connection."""
        self.connections += 1
        self.changed.set()

    def set_mode(self, mode: Mode) -> None:
        """Record the worker's mode."""
        self.mode = mode
        self.changed.set()

    def settle(self, keys: Iterable[Key]) -> None:
        """Forget lost and refused runs that the agent has dealt with."""
        for key in keys:
            self.lost.pop(key, None)
            self.refused.pop(key, None)
        # More may be waiting to be reported.
        self.changed.set()

    def report(self) -> dict[str, Any]:
        """Return the report for the agent."""
        now = self.clock()
        self._forget(now - TELL_AGAIN_SECONDS)
        return Report(
            # First, because later changes may or may not be in the report.
            at=boottime(),
            mode=self.mode,
            tick_age=now - self.tick,
            connections=self.connections,
            concurrency=self.concurrency,
            ended=self.ended,
            malformed=self.malformed,
            held=frozenset(list(self.held)),
            running={key: run.pid for key, run in list(self.running.items())},
            ending=frozenset(list(self.ending)),
            lost={key: (cause, detail) for key, (cause, detail, _) in _some(self.lost)},
            refused={key: task for key, (task, _) in _some(self.refused)},
            stops=dict(_some(self.stops)),
            probe=self.probe,
        ).packed()

    def _forget(self, before: float) -> None:
        for key in [key for key, (_, _, at) in list(self.lost.items()) if at < before]:
            self.lost.pop(key, None)
        for key in [key for key, (_, at) in list(self.refused.items()) if at < before]:
            self.refused.pop(key, None)


def _some(entries: dict[Key, Any]) -> list[tuple[Key, Any]]:
    """Return the oldest entries; the others follow when these are dealt with."""
    return list(entries.items())[:REPORTED_RUNS_MAX]


#: The held jobs of this process. Celery makes requests and boot steps of their classes, and has no
#: place for what is ours.
jobs_in_flight = InFlight()
