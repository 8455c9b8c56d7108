from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.discovery.events import TopologyEventKind
from offload.core.discovery.listening import Listening, Observed
from offload.core.placement.topology import Mode
from tests.unit.core.discovery.views import one, view

if TYPE_CHECKING:
    from offload.core.discovery.topology_views import TopologyView

DELAY = 3.0
LEAD, B, C = one("a", is_leader=True), one("b"), one("c")
INIT, CHANGING = TopologyEventKind.INIT, TopologyEventKind.CHANGING
CHANGED, PROPERTIES = TopologyEventKind.CHANGED, TopologyEventKind.PROPERTIES_CHANGED


class World:
    """One process that looks, and listeners that take events when they are asked to."""

    def __init__(self, delay: float = DELAY) -> None:
        self.delay = delay
        self.observed = Observed()
        self.listening = Listening()

    def look(self, seen: TopologyView | None, now: float) -> list[TopologyEventKind]:
        """Look once, and let the listener take everything that is due."""
        self.miss(seen, now)
        return self.take()

    def miss(self, seen: TopologyView | None, now: float) -> None:
        """Look once while the listener is busy."""
        self.observed = self.observed.look(seen, now=now, delay=self.delay)

    def take(self) -> list[TopologyEventKind]:
        """Let the listener take everything that is due."""
        kinds = []
        while event := self.listening.due(self.observed):
            self.listening = self.listening.after(event, self.observed)
            kinds.append(event.kind)
        return kinds


def test_init_comes_at_once_with_the_first_view_that_is_established() -> None:
    world = World()

    assert world.look(None, 0) == []
    assert world.look(view(B), 1) == [], "nobody leads"
    assert world.look(view(LEAD), 2) == [INIT]
    assert world.look(view(LEAD), 3) == [], "an equal view is no news"


def test_a_change_is_told_at_once_and_its_end_after_the_delay_with_what_came_meanwhile() -> None:
    world = World()
    first = view(LEAD)
    world.look(first, 0)

    assert world.look(view(LEAD, B), 10) == [CHANGING]
    assert not first.is_current
    assert world.look(view(LEAD, B, C), 12.9) == []
    assert world.look(last := view(LEAD, C), 13) == [CHANGED]
    assert world.observed.view is last
    assert world.listening.last is last


def test_a_change_that_is_undone_within_the_delay_ends_with_an_equal_view() -> None:
    world = World()
    world.look(view(LEAD), 0)
    world.look(view(LEAD, B), 10)

    assert world.look(again := view(LEAD), 13) == [CHANGED]
    assert again.is_current


def test_a_change_whose_end_is_not_established_waits_for_another_delay() -> None:
    world = World()
    world.look(view(LEAD, B), 0)

    assert world.look(view(B), 10) == [CHANGING], "its leader is gone"
    assert world.look(view(B), 13) == []
    assert world.look(led := view(one("b", is_leader=True)), 15.9) == []
    assert world.look(led, 16) == [CHANGED]


def test_without_a_delay_both_events_come_at_once() -> None:
    world = World(delay=0)
    world.look(view(LEAD), 0)

    assert world.look(view(LEAD, B), 1) == [CHANGING, CHANGED]
    assert world.look(None, 2) == [CHANGING]
    assert world.look(view(LEAD, B), 3) == [CHANGED]


def test_facts_of_instances_are_told_at_once_but_not_within_a_change() -> None:
    world = World()
    first = view(LEAD, B)
    world.look(first, 0)

    assert world.look(view(LEAD, one("b", mode=Mode.DRAINING)), 1) == [PROPERTIES]
    assert not first.is_current
    assert world.look(view(LEAD, one("b", mode=Mode.DRAINING), C), 2) == [CHANGING]
    assert world.look(view(LEAD, B, C), 3) == []
    assert world.look(view(LEAD, B, C), 5) == [CHANGED]


def test_another_leader_and_a_restart_are_changes() -> None:
    for after in (view(one("a"), one("b", is_leader=True)), view(LEAD, one("b", "2"))):
        world = World()
        world.look(view(LEAD, B), 0)
        assert world.look(after, 1) == [CHANGING]


def test_a_topology_that_cannot_be_read_is_changing_until_it_can() -> None:
    world = World()
    world.look(view(LEAD), 0)

    assert world.look(None, 1) == [CHANGING]
    assert world.look(None, 5) == []
    assert world.look(view(LEAD), 8) == [CHANGED]


def test_who_begins_to_listen_within_a_change_waits_for_its_end() -> None:
    world = World()
    world.look(view(LEAD), 0)
    world.look(view(LEAD, B), 1)
    late = Listening()

    assert late.due(world.observed) is None
    world.miss(view(LEAD, B), 4)
    assert late.due(world.observed, [world.listening]) is None, "the other one is first"
    assert world.take() == [CHANGED]
    event = late.due(world.observed, [world.listening])
    assert event is not None
    assert (event.kind, event.new) == (INIT, world.listening.last)


def test_who_is_slow_gets_all_that_it_missed_as_one_change() -> None:
    world = World()
    world.look(first := view(LEAD), 0)
    for now, seen in enumerate([view(LEAD, B), view(LEAD, B), view(LEAD, C), view(LEAD, C)], 1):
        world.miss(seen, now * 10)

    event = world.listening.due(world.observed)
    assert event is not None
    assert (event.kind, event.old) == (CHANGING, first)
    assert world.take() == [CHANGING, CHANGED]
    assert world.listening.last == view(LEAD, C)


def test_who_is_slow_within_a_change_does_not_hear_of_the_next_one_before_it_ends() -> None:
    world = World()
    world.look(view(LEAD), 0)
    world.look(view(LEAD, B), 10)
    world.miss(view(LEAD, B), 13)
    world.miss(view(LEAD), 14)

    assert world.take() == []
    assert world.look(view(LEAD), 17) == [CHANGED]


def test_who_missed_a_change_that_ends_as_it_began_is_told_that_its_view_is_not_current() -> None:
    world = World()
    world.look(first := view(LEAD), 0)
    for now, seen in ((10, None), (13, view(LEAD))):
        world.miss(seen, now)

    assert not first.is_current
    assert world.take() == [CHANGING, CHANGED]
