"""The search through every schedule of the model of one cluster."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.unit.protocol.faults import FAULTS
from tests.unit.protocol.model import Edge, World
from tests.unit.protocol.promises import Broken, broken
from tests.unit.protocol.search import Exploration, Goal, Left, Moves, System, search, with_fault
from tests.unit.protocol.steps import steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.unit.protocol.rules import Rules


BEGINNING = World()


def explore(
    faults: Sequence[str],
    rules: Rules,
    *,
    at_most: int | None = None,
    start: World = BEGINNING,
    until: Broken | None = None,
) -> Exploration:
    """Walk through all schedules in which each of these faults happens at most once.

    ``at_most`` limits how many of them a schedule holds; the walk ends where the promise ``until``
    is broken.
    """
    system = System(
        start=start,
        steps=partial(steps, rules=rules),
        faults=_faults(FAULTS, rules),
        broken=broken,
        goals={Broken.STUCK: Goal(_is_settled)},
        end=lambda world: world.job.state if _is_settled(world) else None,
    )
    return search(system, faults, at_most, until)


def go_wrong(world: World, left: Left, rules: Rules) -> Iterator[tuple[Edge, Left]]:
    """Yield the effects that each remaining fault can have now, with the faults left after it."""
    for step, after, rest in with_fault(_faults(left[1], rules), world, left):
        yield (step, after), rest


def _faults(names: Iterable[str], rules: Rules) -> dict[str, Moves[World]]:
    def bound(name: str) -> Moves[World]:
        return lambda world: FAULTS[name](world, rules)

    return {name: bound(name) for name in names}


def _is_settled(world: World) -> bool:
    return world.job.settled
