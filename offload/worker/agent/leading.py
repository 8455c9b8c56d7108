"""Leadership: the lease in a thread of its own, and each duty in another."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING

from django.db import Error, connections

from offload.conf import settings
from offload.fleet import departures, leadership, membership
from offload.fleet.leadership import NotLeader, Term
from offload.fleet.observing import Observer
from offload.peers.silence import has_peers
from offload.worker.agent.duties import new_duties
from offload.worker.agent.duty_runner import Doing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from offload.fleet.duties import Duty
    from offload.worker.agent.heartbeat import Heartbeat

logger = logging.getLogger("offload.agent")

#: Seconds to wait before resigning, because a look under way could take the lease again.
RELEASE_DELAY_SECONDS = 0.5
#: Seconds for the duties under way to end, before their process does: they tell what they did after
#: their commit.
LAST_DUTIES_SECONDS = 2.0
#: Instances that watch heartbeats beside the leader, in join order (A4).
STANDBYS = 2


class Leader(threading.Thread):
    """Renews or takes the lease, watches heartbeats, and runs the duties while it leads."""

    def __init__(
        self,
        name: str,
        heartbeat: Heartbeat,
        *,
        duties: Sequence[Duty] | None = None,
        acquire: Callable[[str, str], Term | None] = leadership.acquire,
        beats: Callable[[], dict[str, tuple[str, int]]] = membership.beats,
        first: Callable[[int], list[str]] = membership.first_joined,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the instance that seeks leadership.

        ``acquire`` takes or renews the lease for a name and an incarnation, ``beats`` returns the
        incarnation and beat of each instance in join order, ``first`` the names of so many of
        them, ``clock`` returns seconds.
        """
        super().__init__(name="leader", daemon=True)
        self._nodename = name
        self._heartbeat = heartbeat
        self._duties = new_duties(with_peers=has_peers()) if duties is None else duties
        self._acquire = acquire
        self._beats = beats
        self._first = first
        self._stands_by = False
        self._clock = clock
        self._over = threading.Event()
        self._observer = Observer(timeout=settings().timeout, interval=settings().sweep)
        self._term: Term | None = None
        self._doing: dict[str, Doing] = {}
        self._under_way: dict[str, Future[None]] = {}
        self._asked = 0.0

    def halt(self) -> None:
        """Begin nothing more; do not wait for running duties."""
        self._over.set()

    def resign(self) -> None:
        """Give up the lease, after any look that is under way; then wait a moment for duties."""
        if self.is_alive():
            self.join(RELEASE_DELAY_SECONDS)
        leadership.resign(self._heartbeat.incarnation)
        wait(list(self._under_way.values()), timeout=LAST_DUTIES_SECONDS)

    def run(self) -> None:
        """Seek the lease, observe, and sweep until halted."""
        # A hanging duty holds one thread; the others go on.
        pool = ThreadPoolExecutor(len(self._duties), "duty")
        for duty in self._duties:
            if duty.is_paced:
                threading.Thread(target=self._pace, args=(duty,), name="paced", daemon=True).start()
        while not self._over.wait(settings().sweep):
            self._try(pool)
        pool.shutdown(wait=False, cancel_futures=True)
        connections.close_all()

    def _try(self, pool: ThreadPoolExecutor) -> None:
        """Do what is due now; log any error, as the next look tries again."""
        try:
            self._seek()
            gone = self._observe()
            if self._term is not None:
                self._lead(pool, self._term, gone)
            else:
                self._heartbeat.failing.clear()
        except Error as error:
            logger.warning("neither leading nor observing: %s", error)
            self._start_anew()
        except Exception:
            logger.exception("neither leading nor observing")
            self._start_anew()

    def _start_anew(self) -> None:
        self._term = None
        self._observer.forget()
        connections.close_all()

    def _seek(self) -> None:
        due = self._clock() - self._asked > settings().heartbeat / 2
        if self._term is None or due or self._term.incarnation != self._heartbeat.incarnation:
            self._asked = self._clock()
            self._term = self._acquire(self._nodename, self._heartbeat.incarnation)
            # The beats of all are read by a few: read by all, they would grow with the square.
            follows = self._term is None
            self._stands_by = follows and self._nodename in self._first(STANDBYS + 1)

    def _observe(self) -> list[tuple[str, str, int]]:
        """Return name, incarnation and heartbeat of instances that were silent for the timeout."""
        if self._term is None and not self._stands_by:
            return []
        beats = self._beats()
        gone = self._observer.look(beats, self._clock())
        return [(name, *beats[name]) for name in gone if name != self._nodename]

    def _lead(self, pool: ThreadPoolExecutor, term: Term, gone: list[tuple[str, str, int]]) -> None:
        if self._observer.doubts:
            departures.doubt()
        for name, incarnation, beat in gone:
            with suppress(NotLeader):
                departures.declare_gone(term, name, incarnation, beat)
        for duty in self._duties:
            former = self._doing.get(duty.name)
            if former is not None:
                former.interrupt_after(settings().timeout)
                self._note(former)
            if not duty.is_paced and (former is None or former.is_due_again):
                self._doing[duty.name] = Doing(duty, clock=self._clock)
                self._under_way[duty.name] = pool.submit(self._doing[duty.name].run, term)

    def _pace(self, duty: Duty) -> None:
        """Do a duty at its pace while this is the leader."""
        pause = settings().sweep
        while not self._over.wait(pause):
            began, term = self._clock(), self._term
            if term is not None:
                self._doing[duty.name] = Doing(duty, clock=self._clock)
                self._doing[duty.name].run(term)
            # A new leader begins soon.
            every = duty.every if term is not None else min(duty.every, settings().sweep)
            pause = max(0.0, began + every - self._clock())
        connections.close_all()

    def _note(self, former: Doing) -> None:
        """Announce a duty's error as long as it fails."""
        failing = self._heartbeat.failing
        if former.error:
            failing[former.duty.name] = former.error
        elif former.is_over:
            failing.pop(former.duty.name, None)
