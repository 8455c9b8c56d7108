"""The search through every schedule of the model of two clusters."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.unit.protocol.peers.faults import FAULTS
from tests.unit.protocol.peers.model import World
from tests.unit.protocol.peers.promises import PeerBroken, broken
from tests.unit.protocol.peers.steps import steps
from tests.unit.protocol.search import Exploration, Goal, Moves, System, search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.protocol.peers.rules import PeerRules


def explore(
    faults: Sequence[str],
    rules: PeerRules,
    *,
    at_most: int | None = None,
    limited: bool = False,
    hasty: bool = False,
    files: bool = False,
    until: PeerBroken | None = None,
) -> Exploration:
    """Walk through all schedules in which each of these faults happens at most once.

    ``at_most`` limits how many of them a schedule holds; a ``limited`` job is one whose queue lets
    no two run at once; ``hasty`` sides send again too soon; with ``files`` it has some, and makes
    some. The search ends where the promise ``until`` is broken.
    """
    start = World(limited=limited, hasty=hasty, files=files)
    return search(system(rules, start), faults, at_most, until)


def system(rules: PeerRules, start: World) -> System[World]:
    """Return the model under these rules, from this world on."""
    return System(
        start=start,
        steps=partial(steps, rules=rules),
        faults={name: _bound(name, rules) for name in FAULTS},
        broken=broken,
        goals={
            PeerBroken.STUCK: Goal(lambda world: world.job.final),
            PeerBroken.REST: Goal(lambda world: world.clean, with_all=True),
        },
        end=lambda world: world.job.state if world.clean else None,
    )


def _bound(name: str, rules: PeerRules) -> Moves[World]:
    return lambda world: FAULTS[name](world, rules)
