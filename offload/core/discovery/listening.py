"""The order of events: the view that a process uses, and the event that each listener is due.

One `Observed` per process takes each look at the topology. One `Listening` per listener compares
it with what that listener got last. So nothing is kept for a listener that is slow: it gets
the newest view, and changes that it missed in between are one change to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from offload.core.discovery.events import TopologyEvent, TopologyEventKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.core.discovery.topology_views import TopologyView


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The view that a process uses, and whether the topology is changing."""

    #: The last view that was established; None before the first.
    view: TopologyView | None = None
    #: The number of changes that have begun.
    changes: int = 0
    #: The moment at which the present change may end. None if the topology is not changing.
    due: float | None = None

    @property
    def is_changing(self) -> bool:
        """Return whether a change has begun and not ended."""
        return self.due is not None

    def look(self, view: TopologyView | None, *, now: float, delay: float) -> Observed:
        """Return the state after a look at time ``now``; ``view`` is the view, or None for none.

        A change lasts for ``delay`` seconds, so that what follows within them is part of it; and
        again as long while no view is established. The first view does not wait.
        """
        found = view if view is not None and view.is_established else None
        if self.view is None:
            return replace(self, view=found)
        if self.due is not None:
            return self._go_on(found, now=now, delay=delay)
        return self._compare(found, self.view, now=now, delay=delay)

    def _compare(
        self, found: TopologyView | None, view: TopologyView, *, now: float, delay: float
    ) -> Observed:
        """Begin a change if there is one; if only properties changed, take the new view at once."""
        if found == view:
            return self
        view.retire()
        if found is not None and found.membership == view.membership:
            return replace(self, view=found)
        begun = replace(self, changes=self.changes + 1, due=now + delay)
        return begun._go_on(found, now=now, delay=delay)

    def _go_on(self, found: TopologyView | None, *, now: float, delay: float) -> Observed:
        """End the change if its time is over and a view is established."""
        if self.due is not None and now < self.due:
            return self
        if found is None:
            return replace(self, due=now + delay)
        return replace(self, view=found, due=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """The last event that one listener got."""

    #: The view of its last event that had a new one; None before INIT.
    last: TopologyView | None = None
    #: The change that this view was the end of.
    changes: int = 0
    #: Whether its last event was CHANGING.
    is_changing: bool = False

    def due(self, observed: Observed, others: Iterable[Listening] = ()) -> TopologyEvent | None:
        """Return the next event for this listener, or None.

        ``others`` are the listeners that take an event as soon as one is due. They get theirs
        before this one gets INIT.
        """
        if self.last is None:
            return None if any(one.is_behind(observed) for one in others) else _init(observed)
        if observed.is_changing or (not self.is_changing and observed.changes != self.changes):
            return None if self.is_changing else _event(TopologyEventKind.CHANGING, self.last, None)
        if self.is_changing:
            return _event(TopologyEventKind.CHANGED, self.last, observed.view)
        if observed.view is not self.last:
            return _event(TopologyEventKind.PROPERTIES_CHANGED, self.last, observed.view)
        return None

    def is_behind(self, observed: Observed) -> bool:
        """Return whether it got INIT and another event is due to it."""
        return self.last is not None and self.due(observed) is not None

    def after(self, event: TopologyEvent, observed: Observed) -> Listening:
        """Return the state of this listener after a due event."""
        if event.kind is TopologyEventKind.CHANGING:
            return replace(self, is_changing=True)
        return Listening(last=event.new, changes=observed.changes)


def _init(observed: Observed) -> TopologyEvent | None:
    if observed.view is None or observed.is_changing:
        return None
    return _event(TopologyEventKind.INIT, None, observed.view)


def _event(
    kind: TopologyEventKind, old: TopologyView | None, new: TopologyView | None
) -> TopologyEvent:
    return TopologyEvent(kind=kind, old=old, new=new)
