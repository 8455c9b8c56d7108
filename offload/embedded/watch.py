"""Watching the embedded broker: what is dead is started again, what is silent is only told of."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from offload.core.exceptions import BrokerUnreachable

if TYPE_CHECKING:
    from offload.embedded.broker import EmbeddedBroker

#: Seconds without an answer that are worth a word.
SILENCE_SECONDS = 5.0
#: Seconds after a start that failed until the next one.
RESTART_PAUSE_SECONDS = 5.0


class BrokerWatch:
    """Looks after a broker that runs, for whoever started or shares it."""

    def __init__(self, broker: EmbeddedBroker) -> None:
        """Take a broker that answers."""
        self._broker = broker
        self._answered = time.monotonic()
        self._is_silent = False
        self._not_before = 0.0

    def look(self) -> str:
        """Start a dead server again; return what there is to tell, or nothing.

        One whose process lives is left alone, however long it is silent: a machine that was
        suspended, or is busy, answers late.
        """
        if self._broker.is_alive:
            return self._listen()
        return self._revive() if time.monotonic() >= self._not_before else ""

    def _listen(self) -> str:
        if self._broker.is_running:
            self._answered, was_silent = time.monotonic(), self._is_silent
            self._is_silent = False
            return "The broker answers again." if was_silent else ""
        silence = time.monotonic() - self._answered
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
            self._not_before = time.monotonic() + RESTART_PAUSE_SECONDS
            return f"The broker ended and could not be started again yet. {error}"
        self._answered, self._is_silent = time.monotonic(), False
        return f"The broker ended and was started again. Its log is {self._broker.log}."
