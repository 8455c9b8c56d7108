"""The listeners of this process: one watcher for all, and one thread each for its events."""

from __future__ import annotations

import os
import threading
from time import monotonic
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.discovery.listening import Observed
from offload.topology import current, declarations
from offload.topology.listeners import Listener
from offload.topology.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.discovery.events import TopologyEvent
    from offload.core.discovery.topology_views import TopologyView


class Hub:
    """Holds the observed topology, and gives each listener its due events."""

    def __init__(self, *, local: str | None = None) -> None:
        """Begin without listeners, which costs nothing; ``local`` is a worker's own nodename."""
        self._local = local
        self._news = threading.Condition()
        self._observed = Observed()
        self._listeners: list[Listener] = []
        self._watcher: Watcher | None = None

    @property
    def is_watching(self) -> bool:
        """Return whether there is a listener."""
        return self._watcher is not None

    def listen(self, callback: Callable[[TopologyEvent], object]) -> Listener:
        """Add a listener; the first one starts the watcher."""
        listener = Listener(callback, self)
        with self._news:
            self._listeners.append(listener)
            if self._watcher is None:
                self._watch()
        listener.start()
        return listener

    def _watch(self) -> None:
        self._observed = Observed()
        local = self._local or current.local()
        watcher = Watcher(lambda view: self.look(view, by=watcher), local=local)
        self._watcher = watcher
        watcher.start()

    def look(self, view: TopologyView | None, *, by: Watcher | None = None) -> None:
        """Take a view of the topology, unless ``by`` is a former watcher."""
        with self._news:
            if by is self._watcher:
                delay = settings().topology_delay
                self._observed = self._observed.look(view, now=monotonic(), delay=delay)
                self._news.notify_all()

    def remove(self, listener: Listener) -> None:
        """Remove a listener; the last one stops the watcher."""
        with self._news:
            if listener in self._listeners:
                self._listeners.remove(listener)
            if self._watcher is not None and not self._listeners:
                self._watcher.stop()
                self._watcher = None
            self._news.notify_all()

    def take(self, listener: Listener) -> TopologyEvent | None:
        """Wait for the next event of a listener; return None once it is removed."""
        with self._news:
            listener.is_busy = False
            while listener in self._listeners:
                if event := self._due(listener):
                    listener.listening = listener.listening.after(event, self._observed)
                    listener.is_busy = True
                    self._news.notify_all()
                    return event
                self._news.wait()
        return None

    def _due(self, listener: Listener) -> TopologyEvent | None:
        """Return a listener's due event; INIT comes after the events of idle listeners."""
        others = (one for one in self._listeners if one is not listener and not one.is_busy)
        return listener.listening.due(self._observed, [one.listening for one in others])


class _ProcessHub:
    hub = Hub()


def listen(callback: Callable[[TopologyEvent], object]) -> Listener:
    """Call a function in this process with every event of the topology, from INIT on.

    ``callback`` gets one argument, a `TopologyEvent`. It is called in a thread of its own, one
    event after another; its errors are logged. Return the `Listener`, which ends it by ``stop()``.

    The first listener of a process starts a thread that checks the topology's version once a
    second; the last one that stops ends it. A process that is forked from this one does not listen,
    so call this where requests are served. Workers declare a `listener` instead.
    """
    return _ProcessHub.hub.listen(callback)


def listen_for(local: str) -> list[Listener]:
    """Start the declared listeners in this process, the agent of the worker ``local``."""
    hub = Hub(local=local)
    return [hub.listen(callback) for callback in declarations.declared]


def is_watching() -> bool:
    """Return whether there is a listener."""
    return _ProcessHub.hub.is_watching


def _forget() -> None:
    """Start afresh in a forked process, in which no thread runs."""
    _ProcessHub.hub = Hub()


os.register_at_fork(after_in_child=_forget)
