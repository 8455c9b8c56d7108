"""One listener: a callback with a thread of its own, so that it delays no other."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from django.db import connections

from offload.core.discovery.listening import Listening

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from offload.core.discovery.events import TopologyEvent
    from offload.topology.hub import Hub

logger = logging.getLogger("offload.topology")


class Listener:
    """A callback that listens in this process until it is stopped; `listen` returns one.

    As a context manager, it stops at the end of the block.
    """

    def __init__(self, callback: Callable[[TopologyEvent], object], hub: Hub) -> None:
        """Take the callback, and the hub that knows the due events."""
        self._callback = callback
        self._hub = hub
        #: Its state, set by the hub.
        self.listening = Listening()
        #: Whether its callback is running.
        self.is_busy = True

    def __enter__(self) -> Listener:
        """Return itself; it listens already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self.stop()

    def __repr__(self) -> str:
        """Return the name of the callback."""
        name = getattr(self._callback, "__qualname__", repr(self._callback))
        return f"<Listener {getattr(self._callback, '__module__', '?')}.{name}>"

    def start(self) -> None:
        """Begin to receive events."""
        threading.Thread(target=self._run, name="topology-listener", daemon=True).start()

    def stop(self) -> None:
        """Call the callback no more; do not wait for a call that has begun."""
        self._hub.remove(self)

    def _run(self) -> None:
        while (event := self._hub.take(self)) is not None:
            self._call(event)

    def _call(self, event: TopologyEvent) -> None:
        """Call the callback; log whatever it raises, and continue with the next event."""
        try:
            self._callback(event)
        except BaseException:
            logger.exception("%r failed at the event %s of the topology", self, event.kind.name)
        finally:
            # Events are rare, so its database connections are not kept until the next one.
            connections.close_all()
