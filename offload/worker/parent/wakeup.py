"""Waking a waiting thread, also from a signal handler."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue


@dataclass(slots=True)
class Wakeup:
    """A flag that any thread sets and one thread waits for.

    A signal handler runs inside the main thread, which may be setting the flag at that moment: with
    a threading.Event, it would wait for ever for a lock that its own thread holds. A SimpleQueue's
    put is reentrant.
    """

    is_set: bool = False
    _queue: SimpleQueue[None] = field(default_factory=SimpleQueue)

    def set(self) -> None:
        """Wake the waiting thread, or the next one; until cleared, setting again has no effect."""
        if not self.is_set:
            self.is_set = True
            self._queue.put(None)

    def wait(self, timeout: float) -> None:
        """Wait up to that many seconds until it is set."""
        with suppress(Empty):
            self._queue.get(timeout=timeout)

    def clear(self) -> None:
        """Clear the flag; check afterwards, not before, what it was set for."""
        with suppress(Empty):
            while True:
                self._queue.get_nowait()
        self.is_set = False
