"""A worker that does not do its work: how its agent finds out, and acts on it.

Its unstarted jobs are given back, and its consumer is told to start anew. Whether messages arrive
is found out by a probe: a message of no job, sent when a job that was sent did not arrive.
"""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.placement.instance_conditions import Trouble
from offload.core.placement.topology import Mode
from offload.core.retries import Cause
from offload.core.texts import counted
from offload.fleet.own_facts import note_remedy
from offload.messaging.publisher import send_probe
from offload.rules import enforcement

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.worker.agent.heartbeat import Heartbeat
    from offload.worker.reports import Report

logger = logging.getLogger("offload.agent")

#: The troubles against which a consumer that starts anew helps; Celery itself connects again.
RESTARTED_FOR = frozenset({Trouble.LOOP, Trouble.MESSAGES})
#: The longest pause between two tries, in timeouts.
PAUSES_MAX = 8


@dataclass(slots=True)
class Suspicion:
    """Knows of a worker's trouble, and acts against it."""

    name: str
    heartbeat: Heartbeat
    #: Tells the worker to start its consumer anew, with the reason.
    restart: Callable[[str], object]
    clock: Callable[[], float] = time.monotonic
    #: Sends the instance a probe of this number; returns whether the broker took it.
    probe: Callable[[str, int], bool] = send_probe
    #: The last probe that was sent; not one of an earlier agent of the same worker.
    _number: int = field(default_factory=lambda: secrets.randbelow(1 << 30))
    #: How many of the last probes have not arrived, and when the last one was sent.
    _unanswered: int = 0
    _sent_at: float | None = None
    #: The worker's broker connection at that time.
    _connection: int = 0
    _trouble: Trouble | None = None
    _given_back: int = 0
    _restarts: int = 0
    _restarted_at: float = 0.0

    def act(self) -> bool:
        """Act on the trouble that is announced; return whether there is any."""
        trouble = self.heartbeat.trouble
        if trouble is not self._trouble:
            self._begin(trouble)
        if trouble is not None:
            self._help(trouble)
        return trouble is not None

    def listen(self, worker: Report, *, is_missing: bool) -> None:
        """Send a probe if messages may be lost, and note whether it arrives.

        ``is_missing`` says that a job was just sent once more, since it had not arrived.
        """
        if 0 <= self._number - worker.probe < self._unanswered:
            self._unanswered, self._sent_at = 0, None
            self._hear(is_deaf=False)
        # One that was sent over an earlier connection may be lost with it.
        waits = self._sent_at is not None and worker.connections == self._connection
        if waits and self.clock() - (self._sent_at or 0.0) <= settings().timeout:
            return
        if waits:
            self._hear(is_deaf=True)
        if worker.mode is Mode.READY and (is_missing or self.heartbeat.is_deaf):
            self._send(worker.connections)

    def _send(self, connection: int) -> None:
        self._number += 1
        self._unanswered += 1
        self._connection = connection
        self._sent_at = self.clock() if self.probe(self.name, self._number) else None

    def _hear(self, *, is_deaf: bool) -> None:
        if is_deaf is not self.heartbeat.is_deaf:
            self.heartbeat.is_deaf = is_deaf
            self.heartbeat.look_again()

    def _begin(self, trouble: Trouble | None) -> None:
        self._trouble, self._given_back, self._restarts = trouble, 0, 0
        self._restarted_at = 0.0

    def _help(self, trouble: Trouble) -> None:
        """Give back what has not begun, and tell the consumer to start anew."""
        before = self._given_back, self._restarts
        self._given_back += enforcement.give_back_unstarted(
            self.name, self.heartbeat.incarnation, cause=Cause.REQUEUED
        )
        if trouble in RESTARTED_FOR and self._is_due(trouble):
            self._restarts += 1
            self._restarted_at = self.clock()
            logger.warning(
                "%s: %s; its consumer is told to start anew", self.name, trouble.sentence
            )
            self.restart(f"offload starts the consumer anew: {trouble.sentence}")
        if (self._given_back, self._restarts) != before:
            note_remedy(self.name, self.heartbeat.incarnation, self.remedy)

    def _is_due(self, trouble: Trouble) -> bool:
        """Return whether to tell the consumer now: a loop that stands still is told once."""
        if not self._restarts:
            return True
        pause = settings().timeout * min(2 ** (self._restarts - 1), PAUSES_MAX)
        late = self.clock() - self._restarted_at > pause
        return trouble is Trouble.MESSAGES and late

    @property
    def remedy(self) -> str:
        """Return the remedies so far, as sentences."""
        jobs = counted(self._given_back, "unstarted job was", "unstarted jobs were")
        times = counted(self._restarts, "time", "times")
        done = [f"{jobs} given back."] if self._given_back else []
        done += [f"Its consumer was told to start anew, {times}."] if self._restarts else []
        return " ".join(done)
