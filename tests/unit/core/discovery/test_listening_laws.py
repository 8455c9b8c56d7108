"""The order of events, whatever instances and listeners do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
)

from offload.core.discovery.events import TopologyEvent, TopologyEventKind
from offload.core.discovery.listening import Listening, Observed
from offload.core.placement.topology import Mode
from tests.unit.core.discovery.views import one, view

if TYPE_CHECKING:
    from offload.core.discovery.topology_views import InstanceView, TopologyView

DELAY = 3.0
#: Which kinds may follow which; None is the beginning.
FOLLOWS: dict[TopologyEventKind | None, set[TopologyEventKind]] = {
    None: {TopologyEventKind.INIT},
    TopologyEventKind.INIT: {TopologyEventKind.CHANGING, TopologyEventKind.PROPERTIES_CHANGED},
    TopologyEventKind.CHANGING: {TopologyEventKind.CHANGED},
}
FOLLOWS[TopologyEventKind.CHANGED] = FOLLOWS[TopologyEventKind.INIT]
FOLLOWS[TopologyEventKind.PROPERTIES_CHANGED] = FOLLOWS[TopologyEventKind.INIT]

POSITIONS = st.integers(0, 3)


@dataclass(eq=False)
class Hearer:
    """A listener: a prompt one takes what is due at once, a slow one when it gets round to it."""

    is_prompt: bool
    listening: Listening = field(default_factory=Listening)
    heard: list[TopologyEvent] = field(default_factory=list)


class Fleet(RuleBasedStateMachine):
    """Instances that come, go and change, looks at them, and listeners that come and go."""

    listeners = Bundle("listeners")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.number = 0
        self.instances: list[InstanceView] = []
        self.observed = Observed()
        self.hearers: list[Hearer] = []
        self.begun: float | None = None

    @rule()
    def join(self) -> None:
        """Let an instance join; the first one leads."""
        self.number += 1
        self.instances.append(one(f"i{self.number}", is_leader=not self.instances))

    @precondition(lambda self: self.instances)
    @rule(position=POSITIONS)
    def leave(self, position: int) -> None:
        """Let an instance leave, maybe the leader."""
        self.instances.pop(position % len(self.instances))

    @precondition(lambda self: self.instances)
    @rule(position=POSITIONS)
    def restart(self, position: int) -> None:
        """Start an instance anew."""
        self.number += 1
        former = self.instances.pop(position % len(self.instances))
        self.instances.append(one(former.name, str(self.number)))

    @rule(position=POSITIONS)
    def lead(self, position: int) -> None:
        """Give the lease to an instance, if there is one."""
        leader = position % max(1, len(self.instances))
        self.instances = [
            replace(each, is_leader=number == leader) for number, each in enumerate(self.instances)
        ]

    @precondition(lambda self: self.instances)
    @rule(position=POSITIONS, mode=st.sampled_from((Mode.READY, Mode.DRAINING)))
    def change(self, position: int, mode: Mode) -> None:
        """Change a fact of an instance, and look before anything else happens."""
        index = position % len(self.instances)
        self.instances[index] = replace(self.instances[index], mode=mode)
        self.look(0.5, 1)

    @rule(seconds=st.sampled_from((0.0, 0.5, 1.0, DELAY)), can_read=st.sampled_from((1, 1, 1, 0)))
    def look(self, seconds: float, can_read: int) -> None:
        """Look after some time, and let those that are prompt take what is due."""
        self.now += seconds
        before = self.observed
        seen = view(*self.instances) if can_read else None
        self.observed = before.look(seen, now=self.now, delay=DELAY)
        self._compare(before, seen)
        self._hand_out()

    def _compare(self, before: Observed, seen: TopologyView | None) -> None:
        """Compare a look with what held before."""
        if self.observed.is_changing and not before.is_changing:
            self.begun = self.now
            assert before.view is not None
            is_whole = seen is not None and seen.is_established
            same = seen is not None and seen.membership == before.view.membership
            assert not (is_whole and same), "facts of instances are no change"
        if before.is_changing and not self.observed.is_changing:
            assert self.begun is not None
            assert self.now - self.begun >= DELAY, "the delay has passed"
            assert self.observed.view is seen, "the last change overtakes"
        if not before.is_changing and seen == before.view:
            assert self.observed == before, "equal views are no event"

    @rule(target=listeners, is_prompt=st.booleans())
    def bind(self, is_prompt: bool) -> Hearer:
        """Begin to listen."""
        hearer = Hearer(is_prompt)
        # In front, so that one who came last is asked first.
        self.hearers.insert(0, hearer)
        self._hand_out()
        return hearer

    @rule(hearer=consumes(listeners))
    def stop(self, hearer: Hearer) -> None:
        """Stop to listen."""
        self.hearers.remove(hearer)
        self._hand_out()

    @rule(hearer=listeners)
    def get_round(self, hearer: Hearer) -> None:
        """Let one that may be slow take one event, if it was not stopped."""
        if hearer in self.hearers:
            self._take(hearer)
            self._hand_out()

    def _hand_out(self) -> None:
        while any(self._take(hearer) for hearer in self.hearers if hearer.is_prompt):
            pass

    def _take(self, hearer: Hearer) -> bool:
        """Let a listener take its next event, if one is due; check it."""
        idle = [each for each in self.hearers if each.is_prompt and each is not hearer]
        event = hearer.listening.due(self.observed, [each.listening for each in idle])
        if event is None:
            return False
        last = hearer.heard[-1] if hearer.heard else None
        assert event.kind in FOLLOWS[last.kind if last else None]
        assert event.old is hearer.listening.last, "each event goes on from the last view"
        self._check(event, hearer, idle)
        hearer.heard.append(event)
        hearer.listening = hearer.listening.after(event, self.observed)
        return True

    def _check(self, event: TopologyEvent, hearer: Hearer, idle: list[Hearer]) -> None:
        assert event.old is None or not event.old.is_current, "the old view is marked first"
        if event.new is not None:
            assert event.new.is_established
            assert event.new.is_current
        if event.kind is TopologyEventKind.INIT:
            assert not any(each.listening.is_behind(self.observed) for each in idle)
        if event.kind is TopologyEventKind.PROPERTIES_CHANGED:
            assert event.old is not None
            assert event.new is not None
            assert event.old.membership == event.new.membership
            assert event.old != event.new or not hearer.is_prompt

    @invariant()
    def those_that_are_prompt_know_what_is_known(self) -> None:
        """Compare what they were told with what the process goes by."""
        for hearer in self.hearers:
            if hearer.is_prompt and hearer.heard:
                assert hearer.listening.last is self.observed.view
                assert hearer.listening.is_changing is self.observed.is_changing

    def teardown(self) -> None:
        """See that everybody ends with the same view, however slow, once nothing changes."""
        self.lead(0)
        for _ in range(3):
            self.look(DELAY, 1)
        for hearer in self.hearers:
            while self._take(hearer):
                pass
        assert self.observed.view == view(*self.instances)
        assert {id(hearer.listening.last) for hearer in self.hearers} <= {id(self.observed.view)}
        assert not any(hearer.listening.is_changing for hearer in self.hearers)


Fleet.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestFleet = Fleet.TestCase
