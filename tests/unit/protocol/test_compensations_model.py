"""A model of K6: two steps of a run are done and a third fails, so the two are undone.

Every order of the ends is explored, with a crash in any of them and a stop. Each rule is switched
off once, and the model must then find what goes wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.unit.protocol.exploring import explored

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The steps in their order; the last one fails. Those before it can be undone.
STEPS = ("a", "b", "fails")
FAILING = "fails"
#: Where compensations are planned again and again, the search ends with so many.
PLANNED_MAX = 4


@dataclass(frozen=True)
class Rules:
    """The parts of K6."""

    #: Compensations begin once every step has ended.
    after_all: bool = True
    #: In the transaction of the end that they follow.
    together: bool = True
    #: One after the other.
    in_turn: bool = True
    #: An end whose compensations are in the plan adds none.
    once: bool = True
    #: None begins after a stop.
    stoppable: bool = True


@dataclass(frozen=True)
class World:
    """The run's row, and the jobs that have not ended."""

    running: frozenset[str] = frozenset(STEPS)
    ended: frozenset[str] = frozenset()
    #: Compensations in the plan, in the order in which they begin; begun; ended.
    planned: tuple[str, ...] = ()
    begun: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    #: An end that was committed without what follows it.
    owed: bool = False
    stopped: bool = False
    begun_stopped: bool = False
    crashes: int = 1
    stops: int = 1
    doubles: int = 1

    @property
    def is_over(self) -> bool:
        """Return whether nothing is left to do, and all that was done is undone, unless stopped."""
        is_undone = set(self.undone) >= self.ended - {FAILING} if FAILING in self.ended else True
        return not self.running and not self.owed and (self.stopped or is_undone)


def steps(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    """Yield what may happen next; each transaction holds the run's lock, so it counts as one."""
    for name in world.running:
        undoes = name.startswith("undo ")
        then = replace(world, running=world.running - {name})
        if undoes:
            then = replace(then, undone=(*world.undone, name.removeprefix("undo ")))
        else:
            then = replace(then, ended=world.ended | {name})
        if rules.together:
            yield f"{name} ends", _followed(then, rules)
        else:
            yield f"{name} ends", replace(then, owed=True)
    if world.owed:
        yield "what follows begins", _followed(replace(world, owed=False), rules)
        if world.crashes:
            yield "a crash before what follows", replace(world, owed=False, crashes=0)
    if world.doubles and not world.running and world.begun:
        yield "an end is reported twice", _followed(replace(world, doubles=0), rules)
    if world.stops:
        yield "stop", replace(world, stopped=True, stops=0)


def _followed(world: World, rules: Rules) -> World:
    if world.stopped and rules.stoppable:
        return world
    is_time = world.ended == set(STEPS) or not rules.after_all
    is_first = not world.planned or (not rules.once and len(world.planned) < PLANNED_MAX)
    if FAILING in world.ended and is_time and is_first:
        done = [one for one in reversed(STEPS) if one in world.ended and one != FAILING]
        world = replace(world, planned=(*world.planned, *done))
    waiting = world.planned[len(world.begun) :]
    if rules.in_turn:
        is_free = len(world.begun) == len(world.undone)
        waiting = waiting[:1] if is_free else ()
    return replace(
        world,
        begun=(*world.begun, *waiting),
        running=world.running | {f"undo {one}" for one in waiting},
        begun_stopped=world.begun_stopped or (bool(waiting) and world.stopped),
    )


def explore(rules: Rules, start: World) -> tuple[set[World], set[World]]:
    """Return all worlds, and those from which the run's end can still be reached."""
    return explored(
        start, lambda world: (then for _, then in steps(world, rules)), lambda world: world.is_over
    )


def faults(rules: Rules) -> set[str]:
    """Return what can go wrong."""
    seen, _ = explore(rules, World())
    unstopped, good = explore(rules, World(stops=0))
    checks = {
        "something stays done": bool(unstopped - good),
        "is undone twice": any(len(set(one.begun)) < len(one.begun) for one in seen),
        "is undone out of order": any(one.undone == ("a", "b") for one in seen),
        "begins after the stop": any(one.begun_stopped for one in seen),
    }
    return {name for name, is_so in checks.items() if is_so}


def test_all_that_was_done_is_undone_once_and_in_reverse_order() -> None:
    seen, _ = explore(Rules(), World())

    assert len(seen) > 20
    assert any(one.undone == ("b", "a") for one in seen)
    assert faults(Rules()) == set()


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        (Rules(after_all=False), "something stays done"),
        (Rules(together=False), "something stays done"),
        (Rules(in_turn=False), "is undone out of order"),
        (Rules(once=False), "is undone twice"),
        (Rules(stoppable=False), "begins after the stop"),
    ],
)
def test_without_each_rule_something_goes_wrong(rules: Rules, fault: str) -> None:
    assert fault in faults(rules)
