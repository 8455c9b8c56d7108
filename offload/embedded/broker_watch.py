"""Watching the embedded broker: a dead server is restarted, a silent one only reported."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from offload.core.exceptions import BrokerUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.embedded.broker import EmbeddedBroker

#: Seconds without an answer until that is reported.
SILENCE_SECONDS = 5.0
#: Seconds from a failed start to the next try.
RESTART_PAUSE_SECONDS = 5.0


class BrokerWatch:
    """Watches a running broker for a process that started or shares it."""

    def __init__(
        self, broker: EmbeddedBroker, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take a broker that answers; ``clock`` returns seconds that only grow."""
        self._broker = broker
        self._clock = clock
        self._answered = self._clock()
        self._is_silent = False
        self._not_before = 0.0

    def look(self) -> str:
        """Restart a dead server; return news for people, or "".

        A server whose process lives is left alone, however long it is silent: after a suspend, or
        on a busy machine, it answers late.
        """
        if self._broker.is_alive:
            return self._listen()
        return self._revive() if self._clock() >= self._not_before else ""

    def _listen(self) -> str:
        if self._broker.is_running:
            self._answered, was_silent = self._clock(), self._is_silent
            self._is_silent = False
            return "The broker answers again." if was_silent else ""
        silence = self._clock() - self._answered
        if self._is_silent or silence < SILENCE_SECONDS:
            return ""
        self._is_silent = True
        return (
            f"The broker lives and has not answered for {silence:.0f} s; it is waited for. "
            f"Its log is {self._broker.log}."
        )

    def _revive(self) -> str:
        try:
            self._broker.start()
        except BrokerUnreachable as error:
            self._not_before = self._clock() + RESTART_PAUSE_SECONDS
            return f"The broker ended and could not be started again yet. {error}"
        self._answered, self._is_silent = self._clock(), False
        return f"The broker ended and was started again. Its log is {self._broker.log}."
