"""A model of K5: a step waits, two people and its time limit decide, and a step comes after it.

Every order of their statements is explored, with a crash anywhere, a stop, a pause and a resume.
Each rule is switched off once, and the model must then find what goes wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.unit.protocol.exploring import explored

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Those who decide: two people, and the leader once the time is over.
DECIDERS = (0, 1, 2)
LEADER = 2


@dataclass(frozen=True)
class Rules:
    """The parts of K5."""

    #: A decision is taken under the run's lock.
    lock: bool = True
    #: With what follows it, in one transaction.
    together: bool = True
    #: Only while the wait is open.
    fence: bool = True
    #: Whoever ends the step otherwise closes its wait.
    close: bool = True
    #: The leader looks for what is due again and again.
    sweep: bool = True


@dataclass(frozen=True)
class World:
    """Committed rows, and how far each decider is."""

    #: look, locked, decided (only if not together), done.
    at: tuple[str, ...] = ("look", "look", "look")
    #: What each has read: whether the wait is open, whether the run is paused, and stopped.
    saw: tuple[tuple[bool, bool, bool], ...] = ((False, False, False),) * 3
    #: Who decided, in order.
    decided: tuple[int, ...] = ()
    is_open: bool = True
    stopped: bool = False
    paused: bool = False
    decided_stopped: bool = False
    #: How often the next step's job was stored, and whether that was after the stop, or in a pause.
    begun: int = 0
    begun_stopped: bool = False
    begun_paused: bool = False
    holder: int | None = None
    crashes: int = 1
    stops: int = 1
    pauses: int = 1

    @property
    def is_over(self) -> bool:
        """Return whether the run has come to its end, and nobody looks at its wait any more."""
        return not self.is_open and (self.stopped or self.begun == 1)


def steps(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    """Yield what may happen next."""
    for who in DECIDERS:
        yield from _of_decider(world, who, rules)
        if world.crashes and world.at[who] in ("locked", "decided"):
            yield f"{who} crashes", _released(replace(_moved(world, who, "gone"), crashes=0), who)
    if rules.sweep and world.at[LEADER] in ("gone", "done") and world.is_open:
        yield "the next leader looks", _moved(world, LEADER, "look")
    if world.holder is None:
        yield from _of_people(world, rules)


def _of_people(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    if world.stops:
        is_open = world.is_open and not rules.close
        yield "stop", replace(world, stopped=True, stops=0, is_open=is_open)
    if world.pauses and not world.paused:
        yield "pause", replace(world, paused=True, pauses=0)
    if world.paused:
        waits = world.decided and not world.begun and not world.stopped
        yield "resume", replace(world, paused=False, begun=world.begun + bool(waits))


def _of_decider(world: World, who: int, rules: Rules) -> Iterator[tuple[str, World]]:
    at = world.at[who]
    if at == "look" and (who != LEADER or world.is_open):
        if not (rules.lock and world.holder is not None):
            saw = list(world.saw)
            saw[who] = (world.is_open, world.paused, world.stopped)
            then = replace(_moved(world, who, "locked"), saw=tuple(saw))
            yield f"{who} reads", replace(then, holder=who if rules.lock else None)
    elif at == "locked":
        yield f"{who} decides", _decided(world, who, rules)
    elif at == "decided":
        yield f"{who} goes on", _gone_on(world, who)


def _decided(world: World, who: int, rules: Rules) -> World:
    if rules.fence and not world.saw[who][0]:
        return _released(_moved(world, who, "done"), who)
    ended = replace(
        world,
        decided=(*world.decided, who),
        is_open=False,
        decided_stopped=world.decided_stopped or world.stopped,
    )
    return _gone_on(ended, who) if rules.together else _released(_moved(ended, who, "decided"), who)


def _gone_on(world: World, who: int) -> World:
    begins = not world.saw[who][1] and not world.saw[who][2]
    then = replace(
        world,
        begun=world.begun + begins,
        begun_stopped=world.begun_stopped or (begins and world.stopped),
        begun_paused=world.begun_paused or (begins and world.paused),
    )
    return _released(_moved(then, who, "done"), who)


def _moved(world: World, who: int, at: str) -> World:
    found = list(world.at)
    found[who] = at
    return replace(world, at=tuple(found))


def _released(world: World, who: int) -> World:
    return replace(world, holder=None) if world.holder == who else world


#: The beginnings: with all that may happen, without a stop, and without people.
STARTS = (World(), World(stops=0), World(stops=0, at=("done", "done", "look")))


def explore(rules: Rules, start: World = STARTS[0]) -> tuple[set[World], set[World]]:
    """Return all worlds, and those from which the run's end can still be reached."""
    return explored(
        start, lambda world: (then for _, then in steps(world, rules)), lambda world: world.is_over
    )


def faults(rules: Rules) -> set[str]:
    """Return what can go wrong."""
    explored = [explore(rules, start) for start in STARTS]
    seen = explored[0][0]
    checks = {
        "never ends": any(found - good for found, good in explored),
        "begins twice": any(one.begun > 1 for one in seen),
        "begins after the stop": any(one.begun_stopped for one in seen),
        "begins in a pause": any(one.begun_paused for one in seen),
        "is decided after the stop": any(one.decided_stopped for one in seen),
        "is decided twice": any(len(one.decided) > 1 for one in seen),
    }
    return {name for name, is_so in checks.items() if is_so}


def test_the_first_decision_counts_and_the_run_goes_on_once_whatever_crashes() -> None:
    seen, _ = explore(Rules())

    assert len(seen) > 200
    assert {one.decided[0] for one in seen if one.decided} == set(DECIDERS)
    assert faults(Rules()) == set()


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        (Rules(lock=False), "is decided twice"),
        (Rules(lock=False), "begins after the stop"),
        (Rules(lock=False), "begins in a pause"),
        (Rules(together=False), "never ends"),
        (Rules(fence=False), "is decided twice"),
        (Rules(fence=False), "begins twice"),
        (Rules(close=False), "is decided after the stop"),
        (Rules(sweep=False), "never ends"),
    ],
)
def test_without_each_rule_something_goes_wrong(rules: Rules, fault: str) -> None:
    assert fault in faults(rules)
