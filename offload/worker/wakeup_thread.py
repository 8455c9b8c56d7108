"""A thread of an agent that binds jobs at once when a submitter wakes it.

It does what a submitter does that binds its jobs itself: it offers them to idle slots, here or
elsewhere, and leaves the rest to the agents' windows. What it misses, a sweep finds.
"""

from __future__ import annotations

import logging
import math
import select
import threading
from time import monotonic
from typing import TYPE_CHECKING

from django.db import Error, connections

from offload.conf import peers, settings
from offload.core.placement.lanes import Lane
from offload.db import database, notices
from offload.dispatch import offering
from offload.dispatch.full_lanes import full_lanes
from offload.messaging import wakeups
from offload.tracking.queries import first_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable

    from offload.worker.agent.heartbeat import Heartbeat

logger = logging.getLogger("offload.agent")

#: Seconds between two looks for jobs: to bind them one by one costs as much as to bind several.
SPACING_SECONDS = 0.005
#: Seconds after a wakeup by the database until one more look: its sender sends no other before.
AGAIN_SECONDS = 2 * wakeups.PAUSE_SECONDS
#: Seconds without a wakeup until it looks whether it is still called by the same name.
CHECK_SECONDS = 1.0


class WakeupThread(threading.Thread):
    """Waits for wakeups, and offers the jobs of the lanes that they name."""

    def __init__(
        self,
        heartbeat: Heartbeat,
        *,
        offer: Callable[[Iterable[Lane]], object] = offering.offer,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Take the heartbeat, which knows the incarnation.

        ``offer`` binds waiting jobs of lanes, ``clock`` returns seconds that only grow.
        """
        super().__init__(name="wakeups", daemon=True)
        self._heartbeat = heartbeat
        self._offer = offer
        self._clock = clock
        self._over = threading.Event()
        self._incarnation = ""
        self._end: socket.socket | None = None
        self._listener: notices.Notices | None = None
        #: The lanes to look at once more, and when.
        self._again: dict[str, float] = {}

    def stop(self) -> None:
        """Bind nothing more; what is under way is not waited for."""
        self._over.set()

    def run(self) -> None:
        """Answer wakeups until stopped."""
        while not self._over.is_set():
            try:
                self.answer()
            except Error as error:
                logger.warning("wakeups wait for the database: %s", error)
                self._start_anew()
            except Exception:
                logger.exception("wakeups are not answered")
                self._start_anew()
        self.close()
        connections.close_all()

    def answer(self, timeout: float = CHECK_SECONDS) -> None:
        """Wait for wakeups, but no longer than ``timeout`` seconds, and answer them."""
        self._open()
        lanes = dict.fromkeys([*self._heard(timeout), *self._due_again()])
        if lanes:
            self._offer([Lane.parse(one) for one in lanes])
            self._over.wait(SPACING_SECONDS)

    def _heard(self, timeout: float) -> Iterable[str]:
        """Return the lanes that wakeups name; wait for the first one."""
        # Words that came while the connection was used are not readable any more.
        if found := self._taken():
            return found
        due = min(self._again.values(), default=math.inf) - self._clock()
        poll = select.poll()
        for one in (self._end, self._listener):
            if one is not None:
                poll.register(one, select.POLLIN)
        poll.poll(max(0.0, min(timeout, due)) * 1000)
        return self._taken()

    def _taken(self) -> list[str]:
        told = self._listener.take() if self._listener else []
        self._again |= dict.fromkeys(told, self._clock() + AGAIN_SECONDS)
        return [*(wakeups.words(self._end) if self._end else ()), *told]

    def _due_again(self) -> Iterable[str]:
        """Return the lanes that are due once more and in which jobs wait."""
        now = self._clock()
        late = [lane for lane, at in self._again.items() if at <= now]
        for lane in late:
            del self._again[lane]
        return [lane for lane in late if _waits(Lane.parse(lane))]

    def _open(self) -> None:
        """Listen under the incarnation that the worker has now."""
        incarnation = self._heartbeat.incarnation
        if self._end is None or incarnation != self._incarnation:
            self.close()
            self._end = wakeups.listening(incarnation)
            self._incarnation = incarnation
        if self._listener is None and wakeups.notifies():
            self._listener = notices.Notices()
        if self._listener and self._listener.listen(wakeups.channel(incarnation)) and not peers():
            # B1b: what goes to other clusters must not be lost.
            database.commit_unflushed()

    def close(self) -> None:
        """Listen no more."""
        if self._end is not None:
            self._end.close()
        self._end = None

    def _start_anew(self) -> None:
        self.close()
        database.connection().close()
        self._over.wait(CHECK_SECONDS)


def _waits(lane: Lane) -> bool:
    """Return whether jobs of a lane wait that may find an idle slot; change nothing."""
    return not full_lanes.has(lane) and bool(first_of(lane, 1))


def start(heartbeat: Heartbeat) -> list[WakeupThread]:
    """Start the thread, unless the settings leave binding to submitters."""
    if not settings().fast_submit:
        return []
    thread = WakeupThread(heartbeat)
    thread.start()
    return [thread]
