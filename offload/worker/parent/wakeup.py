"""Waking a waiting thread, also from a signal handler."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue


@dataclass(slots=True)
class Wakeup:
    """A flag that anybody sets and one thread waits for.

    A signal handler runs inside the main thread, which may be setting it at that moment: an Event's
    lock would be waited for by its own holder, for ever. The queue's put is made for that.
    """

    is_set: bool = False
    _queue: SimpleQueue[None] = field(default_factory=SimpleQueue)

    def set(self) -> None:
        """Wake who waits, or who will; until it is cleared, setting it again does nothing."""
        if not self.is_set:
            self.is_set = True
            self._queue.put(None)

    def wait(self, timeout: float) -> None:
        """Wait up to so many seconds until it is set."""
        with suppress(Empty):
            self._queue.get(timeout=timeout)

    def clear(self) -> None:
        """Clear it; look at what it may have been set for after this, not before."""
        with suppress(Empty):
            while True:
                self._queue.get_nowait()
        self.is_set = False
