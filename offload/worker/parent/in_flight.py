"""State of a worker's parent process: jobs it holds, their runs, and its health."""

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
    from collections.abc import Collection, Iterable

    from offload.core.envelopes import Key

#: Seconds for which a lost or refused run is told to an agent that does not say that it has dealt
#: with it: it, or its database, may be away for a while.
TELL_AGAIN_SECONDS = 600.0
#: How many of them are told at once, and how many characters of what happened to each.
REPORTED_RUNS_MAX, DETAIL_MAX = 100, 1000


class AcceptedRun(NamedTuple):
    """A job that a pool process took."""

    pid: int
    #: The delivery that became it; another one of the same binding says nothing about it.
    by: Any


@dataclass(slots=True)
class InFlight:
    """Jobs received, runs accepted, runs lost; every change wakes who tells the agent."""

    mode: Mode = Mode.STARTING
    tick: float = field(default_factory=time.monotonic)
    connections: int = 0
    #: Runs that have ended, however they did: each frees a place in the window.
    ended: int = 0
    concurrency: int = 0
    #: The delivery of each job that waits for the pool.
    held: dict[Key, Any] = field(default_factory=dict)
    running: dict[Key, AcceptedRun] = field(default_factory=dict)
    lost: dict[Key, tuple[str, str, float]] = field(default_factory=dict)
    refused: dict[Key, tuple[str, float]] = field(default_factory=dict)
    #: Runs that somebody asked Celery to end, and whether by force.
    stops: dict[Key, bool] = field(default_factory=dict)
    changed: Wakeup = field(default_factory=Wakeup)
    #: Things in the instance's queue that were no messages.
    malformed: int = 0
    #: Set when so few jobs wait for the pool that it may soon have none.
    hungry: Wakeup = field(default_factory=Wakeup)

    def knows(self, key: Key) -> bool:
        """Return whether a delivery of this binding waits or runs here already."""
        return key in self.held or key in self.running

    def receive(self, key: Key, by: object) -> None:
        """Note a job that arrived by this delivery and waits for the pool."""
        self.held.setdefault(key, by)
        self.changed.set()

    def accept(self, key: Key, pid: int, by: object) -> None:
        """Note a job that a pool process took."""
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
        """Wait up to so many seconds for more changes, as long as enough jobs wait."""
        self.hungry.clear()
        if not self.is_hungry:
            self.hungry.wait(timeout)

    def end(self, key: Key, by: object) -> None:
        """Forget a run that reported its end, unless it is another delivery's."""
        self._let_go(key, by)
        run = self.running.get(key)
        if run is not None and run.by is by:
            self.running.pop(key, None)
        self.ended += 1
        self.changed.set()

    def lose(self, key: Key, cause: str, detail: str, by: object) -> None:
        """Note a run that ended without reporting, unless it is another delivery's."""
        run = self.running.get(key)
        if run is None or run.by is by:
            self.lost.setdefault(key, (cause, detail[:DETAIL_MAX], time.monotonic()))
        self.end(key, by)

    def fail(self, key: Key, detail: str) -> None:
        """Note a job whose message came to nothing before a process could have it."""
        self.held.pop(key, None)
        self.lost.setdefault(key, (Cause.FAILED, detail[:DETAIL_MAX], time.monotonic()))
        self.changed.set()

    def refuse(self, key: Key, task: str) -> None:
        """Note a job whose task this worker does not have."""
        self.refused[key] = (task, time.monotonic())
        self.changed.set()

    def malform(self) -> None:
        """Count something in the instance's queue that is no message."""
        self.malformed += 1
        self.changed.set()

    def stop(self, key: Key, *, force: bool) -> None:
        """Note that Celery was asked to end a run: a client that knows nothing of jobs did."""
        self.stops[key] = force or self.stops.get(key, False)
        self.changed.set()

    def stopped(self, keys: Iterable[Key]) -> None:
        """Forget requests to end runs that are in the database."""
        for key in keys:
            self.stops.pop(key, None)

    def keep(self, kept: Collection[object]) -> None:
        """Note that the deliveries which wait for the pool are lost, but for these."""
        for key, by in list(self.held.items()):
            if by not in kept:
                self._let_go(key, by)
        self.changed.set()

    def reconnect(self) -> None:
        """Note a new broker connection."""
        self.connections += 1
        self.changed.set()

    def set_mode(self, mode: Mode) -> None:
        """Note how the worker does."""
        self.mode = mode
        self.changed.set()

    def settle(self, keys: Iterable[Key]) -> None:
        """Forget lost and refused runs that the agent has dealt with."""
        for key in keys:
            self.lost.pop(key, None)
            self.refused.pop(key, None)
        # More may be waiting to be told.
        self.changed.set()

    def snapshot(self) -> dict[str, Any]:
        """Return everything, for the agent."""
        now = time.monotonic()
        self._forget(now - TELL_AGAIN_SECONDS)
        return Report(
            # Before anything else is read: what changes meanwhile may be in it, or not.
            at=boottime(),
            mode=self.mode,
            tick_age=now - self.tick,
            connections=self.connections,
            concurrency=self.concurrency,
            ended=self.ended,
            malformed=self.malformed,
            held=frozenset(list(self.held)),
            running={key: run.pid for key, run in list(self.running.items())},
            lost={key: (cause, told) for key, (cause, told, _) in _some(self.lost)},
            refused={key: task for key, (task, _) in _some(self.refused)},
            stops=dict(_some(self.stops)),
        ).packed()

    def _forget(self, before: float) -> None:
        for key in [key for key, (_, _, at) in list(self.lost.items()) if at < before]:
            self.lost.pop(key, None)
        for key in [key for key, (_, at) in list(self.refused.items()) if at < before]:
            self.refused.pop(key, None)


def _some(told: dict[Key, Any]) -> list[tuple[Key, Any]]:
    """Return the oldest of what is told; the rest follows when they are dealt with."""
    return list(told.items())[:REPORTED_RUNS_MAX]


in_flight = InFlight()
