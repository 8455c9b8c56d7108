"""A model of K4: two steps of a run end at once, a third waits for both, somebody stops the run.

Every order of their statements is explored, with a crash anywhere. Each rule is switched off once,
and the model must then find what goes wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.unit.protocol.exploring import explored

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Rules:
    """The parts of K4."""

    #: An end is taken into the plan under the run's lock.
    lock: bool = True
    #: In the transaction that makes the job final.
    together: bool = True
    #: An end that the plan knows already changes nothing.
    once: bool = True


@dataclass(frozen=True)
class Finisher:
    """A process that ends a step's job."""

    #: run, (final,) read, done.
    at: str = "run"
    #: The plan as it read it: whether each step has ended, and whether the run is stopped.
    saw: tuple[bool, ...] = ()


@dataclass(frozen=True)
class World:
    """Committed rows, and the processes."""

    finishers: tuple[Finisher, ...] = (Finisher(), Finisher())
    is_final: tuple[bool, bool] = (False, False)
    ended: tuple[bool, bool] = (False, False)
    stopped: bool = False
    #: How often the third step's job was stored, and whether that was after the stop.
    begun: int = 0
    begun_stopped: bool = False
    holder: int | None = None
    crashes: int = 1
    stops: int = 1

    @property
    def is_over(self) -> bool:
        """Return whether the run has come to its end."""
        return all(self.ended) and (self.stopped or self.begun == 1)


def steps(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    """Yield what may happen next."""
    for number in (0, 1):
        yield from _of_finisher(world, number, rules)
        if world.crashes and world.finishers[number].at in ("final", "read"):
            left = replace(_moved(world, number, Finisher()), crashes=0)
            yield f"{number} crashes", _released(left, number)
    if world.stops and world.holder is None:
        yield "stop", replace(world, stopped=True, stops=0)


def _of_finisher(world: World, number: int, rules: Rules) -> Iterator[tuple[str, World]]:
    mine = world.finishers[number]
    if mine.at == "run" and not world.is_final[number]:
        at = Finisher("final")
        then = world if rules.together else _final(world, number)
        yield f"{number} ends its job", _moved(then, number, at)
    elif mine.at == "final" and not (rules.lock and world.holder is not None):
        saw = Finisher("read", (*world.ended, world.stopped))
        holder = number if rules.lock else None
        yield f"{number} reads the plan", replace(_moved(world, number, saw), holder=holder)
    elif mine.at == "read":
        yield f"{number} writes the plan", _written(world, number, rules)


def _written(world: World, number: int, rules: Rules) -> World:
    saw = world.finishers[number].saw
    ended = (saw[0] or number == 0, saw[1] or number == 1)
    is_known = rules.once and saw[number]
    begins = all(ended) and not saw[2] and not is_known
    done = replace(
        _final(world, number),
        ended=ended,
        begun=world.begun + begins,
        begun_stopped=world.begun_stopped or (begins and world.stopped),
    )
    return _released(_moved(done, number, Finisher("done")), number)


def _final(world: World, number: int) -> World:
    is_final = (world.is_final[0] or number == 0, world.is_final[1] or number == 1)
    return replace(world, is_final=is_final)


def _moved(world: World, number: int, at: Finisher) -> World:
    found = list(world.finishers)
    found[number] = at
    return replace(world, finishers=tuple(found))


def _released(world: World, number: int) -> World:
    return replace(world, holder=None) if world.holder == number else world


def explore(rules: Rules, start: World = World()) -> tuple[set[World], set[World]]:
    """Return all worlds, and those from which the run's end can still be reached."""
    return explored(
        start, lambda world: (then for _, then in steps(world, rules)), lambda world: world.is_over
    )


def faults(rules: Rules) -> set[str]:
    """Return what can go wrong."""
    seen, good = explore(rules)
    found = set()
    if seen - good:
        found.add("never ends")
    if any(one.begun > 1 for one in seen):
        found.add("begins twice")
    if any(one.begun_stopped for one in seen):
        found.add("begins after the stop")
    return found


def test_a_run_ends_and_begins_each_step_once_whatever_crashes() -> None:
    seen, _ = explore(Rules())

    assert len(seen) > 50
    assert faults(Rules()) == set()


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        (Rules(lock=False), "never ends"),
        (Rules(lock=False), "begins after the stop"),
        (Rules(together=False), "never ends"),
    ],
)
def test_without_each_rule_something_goes_wrong(rules: Rules, fault: str) -> None:
    assert fault in faults(rules)


def test_an_end_that_is_reported_twice_begins_nothing_twice() -> None:
    """As the sweep does, for an attempt that took its end into the run already."""
    known = World(
        finishers=(Finisher("done"), Finisher("final")),
        is_final=(True, True),
        ended=(True, True),
        begun=1,
    )

    assert all(one.begun == 1 for one in explore(Rules(), known)[0])
    assert any(one.begun == 2 for one in explore(Rules(once=False), known)[0])
