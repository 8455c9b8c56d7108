"""Waking a waiting thread, also from a signal handler."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue


@dataclass(slots=True)
class Bell:
    """Rung by anybody, waited for by one thread.

    A signal handler runs inside the main thread, which may be ringing at that moment: an Event's
    lock would be waited for by its own holder, for ever. The queue's put is made for that.
    """

    is_rung: bool = False
    _sound: SimpleQueue[None] = field(default_factory=SimpleQueue)

    def ring(self) -> None:
        """Wake who waits, or who will; until it is silenced, more rings are none."""
        if not self.is_rung:
            self.is_rung = True
            self._sound.put(None)

    def wait(self, timeout: float) -> None:
        """Wait up to so many seconds for a ring."""
        with suppress(Empty):
            self._sound.get(timeout=timeout)

    def silence(self) -> None:
        """Forget rings; look at what they may have meant after this, not before."""
        with suppress(Empty):
            while True:
                self._sound.get_nowait()
        self.is_rung = False
