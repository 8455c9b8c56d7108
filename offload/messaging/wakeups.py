"""Wakeups: agents are told that jobs of a lane may wait, so that they need not ask all the time.

A wakeup carries no truth: whoever gets one looks at the rows. So it may be lost, doubled or forged.
It goes by a socket on the own host, which tells at once whether somebody listens, and to other
hosts by the database.
"""

from __future__ import annotations

import math
import socket
from dataclasses import dataclass, field
from itertools import count, islice
from time import monotonic
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.admission.submit_paths import LOCAL, NONE, NOTIFY
from offload.db import database, notices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from offload.core.admission.submit_paths import Wakeable

#: Seconds for which a process sends no second wakeup for the same lane by the database, where they
#: cost the server something. Whoever is woken looks once more when they are over.
PAUSE_SECONDS = 0.005
#: Lanes that are remembered, and agents on the own host that are tried, at most.
LANES_MAX, TRIES_MAX = 1000, 3
#: Largest wakeup in bytes.
WORD_BYTES = 4096


def address(incarnation: str) -> str:
    """Return the address of an agent on this host: no file, and gone with its process."""
    return f"\0offload/{incarnation}"


def channel(incarnation: str) -> str:
    """Return the channel of an agent in the database."""
    return f"offload_{incarnation}"


def notifies() -> bool:
    """Return whether this process wakes, and is woken, by the database."""
    return settings().notify and notices.can_notify(database.connection())


def ways() -> str:
    """Return how the agent of a worker with these settings is woken, as it is announced."""
    if not settings().fast_submit:
        return NONE
    return NOTIFY if notifies() else LOCAL


@dataclass(slots=True)
class Wakeups:
    """Sends wakeups, not more often than needed."""

    #: Returns seconds that only grow.
    clock: Callable[[], float] = monotonic
    _sent: dict[str, float] = field(default_factory=dict)
    _turns: Iterator[int] = field(default_factory=count)
    _socket: socket.socket | None = None

    def is_due(self, lane: str) -> bool:
        """Return whether nobody was woken for the lane a moment ago."""
        return self.clock() - self._sent.get(lane, -math.inf) >= PAUSE_SECONDS

    def note(self, lane: str) -> None:
        """Remember that somebody is woken for the lane now."""
        if len(self._sent) >= LANES_MAX:
            self._sent.clear()
        self._sent[lane] = self.clock()

    def by_insert(self, agents: Wakeable, lane: str) -> str:
        """Return the channel that the job's own insert is to notify, or ""."""
        if agents.near or not agents.far or not self.is_due(lane):
            return ""
        self.note(lane)
        return channel(self._in_turn(agents.far)[0])

    def wake(self, agents: Wakeable, lane: str) -> bool:
        """Wake one of these agents for a lane; return whether one is awake, or soon will be."""
        if any(self._knock(one, lane) for one in islice(self._in_turn(agents.near), TRIES_MAX)):
            return True
        if agents.far and self.is_due(lane):
            self.note(lane)
            [one, *_] = self._in_turn(agents.far)
            database.rows(notices.SEND, {"channel": channel(one), "word": lane}, prepared=True)
        return bool(agents.far)

    def _in_turn(self, agents: Sequence[str]) -> Sequence[str]:
        if len(agents) < 2:
            return agents
        first = next(self._turns) % len(agents)
        return (*agents[first:], *agents[:first])

    def _knock(self, incarnation: str, lane: str) -> bool:
        """Send to an agent of this host; return whether it listens."""
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.sendto(lane.encode(), address(incarnation))
        except BlockingIOError:
            # It has more to read than it needs to wake up.
            return True
        except OSError:
            return False
        return True

    def forget(self) -> None:
        """Forget which lanes somebody was woken for."""
        self._sent.clear()


#: The wakeups of this process: jobs are submitted from anywhere in it.
wakeups = Wakeups()


def listening(incarnation: str) -> socket.socket:
    """Return the socket on which an agent of this host is woken; raise OSError if it is taken."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        found.bind(address(incarnation))
    except OSError:
        found.close()
        raise
    return found


def words(end: socket.socket) -> list[str]:
    """Return the lanes that came to a socket, without waiting."""
    found: list[str] = []
    while True:
        try:
            found.append(end.recv(WORD_BYTES).decode(errors="replace"))
        except OSError:
            return found
