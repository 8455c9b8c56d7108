"""The search through every schedule of the fast path."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from tests.unit.protocol.fast.fast_faults import FAULTS
from tests.unit.protocol.fast.fast_promises import FastBroken, broken
from tests.unit.protocol.fast.fast_steps import steps
from tests.unit.protocol.fast.fast_world import FastRules, FastWorld
from tests.unit.protocol.search import Exploration, Goal, Moves, System, search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.protocol.fast.fast_faults import Fault
    from tests.unit.protocol.fast.fast_world import FastStep


def explore(
    faults: Sequence[str],
    rules: FastRules,
    *,
    at_most: int | None = None,
    until: FastBroken | None = None,
) -> Exploration:
    """Walk through all schedules in which each of these faults happens at most once.

    The walk ends where the promise ``until`` is broken.
    """
    system = System(
        start=FastWorld(),
        steps=partial(steps, rules=rules),
        faults={name: _bound(fault, rules) for name, fault in FAULTS.items()},
        broken=lambda before, step, after: broken(before, cast("FastStep", step), after),
        goals={FastBroken.STUCK: Goal(lambda world: world.job.settled)},
        end=lambda world: world.job.state if world.job.settled else None,
    )
    return search(system, faults, at_most, until)


def _bound(fault: Fault, rules: FastRules) -> Moves[FastWorld]:
    return lambda world: fault(world, rules)
