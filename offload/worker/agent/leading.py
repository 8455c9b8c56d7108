"""Leadership: the lease in a thread of its own, the duties in others."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from django.db import Error, connections

from offload.conf import settings
from offload.fleet import departures, leadership
from offload.fleet.leadership import NotLeader, Term
from offload.fleet.observing import Observer
from offload.leader.duties import DUTIES
from offload.models import Instance
from offload.worker.agent.duty_runner import Doing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.fleet.duties import Duty
    from offload.worker.agent.heartbeat import Heartbeat

logger = logging.getLogger("offload.agent")

#: Seconds for which the lease is not given up, lest a look at it that is under way take it again.
RELEASE_DELAY_SECONDS = 0.5
#: How many instances watch beats besides the leader, in join order (A4).
STANDBYS = 2


class Leader(threading.Thread):
    """Renews or takes the lease, watches the beats, and has the duties done while it leads."""

    def __init__(self, name: str, heartbeat: Heartbeat, *, duties: Sequence[Duty] = DUTIES) -> None:
        """Take the instance for which leadership is sought."""
        super().__init__(name="leader", daemon=True)
        self._nodename = name
        self._heartbeat = heartbeat
        self._duties = duties
        self._over = threading.Event()
        self._observer = Observer(timeout=settings().timeout, interval=settings().sweep)
        self._term: Term | None = None
        self._doing: dict[str, Doing] = {}
        self._asked = 0.0

    def halt(self) -> None:
        """Begin nothing more; what is being done is not waited for."""
        self._over.set()

    def resign(self) -> None:
        """Give the lease up at once, after a look at it that was under way."""
        if self.is_alive():
            self.join(RELEASE_DELAY_SECONDS)
        leadership.resign(self._heartbeat.incarnation)

    def run(self) -> None:
        """Seek the lease, observe, and sweep until halted."""
        # A duty that hangs holds one thread; the others go on.
        pool = ThreadPoolExecutor(len(self._duties), "duty")
        while not self._over.wait(settings().sweep):
            self._try(pool)
        pool.shutdown(wait=False, cancel_futures=True)
        connections.close_all()

    def _try(self, pool: ThreadPoolExecutor) -> None:
        """Do what is to be done now; whatever goes wrong, it is tried again."""
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
        due = time.monotonic() - self._asked > settings().heartbeat / 2
        if self._term is None or due or self._term.incarnation != self._heartbeat.incarnation:
            self._asked = time.monotonic()
            self._term = leadership.acquire(self._nodename, self._heartbeat.incarnation)

    def _observe(self) -> list[tuple[str, str, int]]:
        """Return name, incarnation and beat of those whose beat stood still for the timeout."""
        rows = Instance.objects.here().order_by("joined")
        beats = {row.name: (row.incarnation, row.beat) for row in rows}
        if self._term is None and self._nodename not in list(beats)[: STANDBYS + 1]:
            return []
        gone = self._observer.look(beats, time.monotonic())
        return [(name, *beats[name]) for name in gone if name != self._nodename]

    def _lead(self, pool: ThreadPoolExecutor, term: Term, gone: list[tuple[str, str, int]]) -> None:
        if self._observer.doubts:
            departures.doubt()
        for name, incarnation, beat in gone:
            with suppress(NotLeader):
                departures.bury(term, name, incarnation, beat)
        for duty in self._duties:
            former = self._doing.get(duty.name)
            if former is not None:
                former.interrupt_after(settings().timeout)
                self._note(former)
            if former is None or former.is_due_again:
                self._doing[duty.name] = Doing(duty)
                pool.submit(self._doing[duty.name].run, term)

    def _note(self, former: Doing) -> None:
        """Announce what a duty failed with, for as long as it does."""
        failing = self._heartbeat.failing
        if former.error:
            failing[former.duty.name] = former.error
        elif former.is_over:
            failing.pop(former.duty.name, None)
