"""Listeners that note what they hear."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from offload.fleet import leadership
from offload.topology import TopologyEvent, TopologyEventKind, listen
from tests.integration.world import HERE, join
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.topology import Listener

INIT, CHANGING = TopologyEventKind.INIT, TopologyEventKind.CHANGING
CHANGED, PROPERTIES = TopologyEventKind.CHANGED, TopologyEventKind.PROPERTIES_CHANGED

#: Listeners that are stopped after the test.
STARTED: list[Listener] = []


def attend(callback: Callable[[TopologyEvent], object]) -> Listener:
    """Listen until the test ends."""
    STARTED.append(listen(callback))
    return STARTED[-1]


def threads() -> list[str]:
    """Return the names of the threads of this room."""
    return [one.name for one in threading.enumerate() if one.name.startswith("topology-")]


class Heard(list[TopologyEvent]):
    """What a listener was told; it can be kept from returning."""

    def __init__(self) -> None:
        super().__init__()
        self.may_return = threading.Event()
        self.may_return.set()

    def __call__(self, event: TopologyEvent) -> None:
        """Take an event."""
        assert event.old is None or not event.old.is_current
        self.append(event)
        self.may_return.wait(60)

    @property
    def kinds(self) -> list[TopologyEventKind]:
        """Return the kinds of all events."""
        return [event.kind for event in self]

    def expect(self, *kinds: TopologyEventKind) -> TopologyEvent:
        """Wait for the last of these events, and for nothing else; return it."""
        eventually(lambda: len(self) >= len(kinds), what=f"{kinds}, and there are {self.kinds}")
        assert self.kinds == list(kinds)
        return self[-1]


def lead(name: str = HERE, **facts: Any) -> str:
    """Let an instance join and lead; return its incarnation."""
    incarnation = join(name, **facts)
    assert leadership.acquire(name, incarnation)
    return incarnation
