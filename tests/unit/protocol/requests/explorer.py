"""The search through every schedule of the model of requests."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.unit.protocol.requests.faults import FAULTS
from tests.unit.protocol.requests.model import Peer, World
from tests.unit.protocol.requests.promises import RequestBroken, broken
from tests.unit.protocol.requests.steps import steps
from tests.unit.protocol.search import Exploration, Goal, Moves, System, search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.protocol.requests.rules import RequestRules


def explore(
    faults: Sequence[str],
    rules: RequestRules,
    *,
    at_most: int | None = None,
    permits: bool = True,
    until: RequestBroken | None = None,
) -> Exploration:
    """Walk through all schedules in which each of these faults happens at most once.

    ``at_most`` limits how many of them a schedule holds; ``permits`` says whether the peer lets
    home rule at first. The search ends where the promise ``until`` is broken.
    """
    system = System(
        start=World(peer=Peer(permits=permits)),
        steps=partial(steps, rules=rules),
        faults={name: _bound(name, rules) for name in FAULTS},
        broken=broken,
        goals={RequestBroken.REST: Goal(lambda world: world.settled, with_all=True)},
        end=lambda world: " ".join(one.state for one in world.rows) if world.settled else None,
    )
    return search(system, faults, at_most, until)


def _bound(name: str, rules: RequestRules) -> Moves[World]:
    return lambda world: FAULTS[name](world, rules)
