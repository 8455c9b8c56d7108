"""What happens by itself, without any fault: home, the peer, and the broker between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.protocol.model import Step
from tests.unit.protocol.peers.carrying import hear_invitation
from tests.unit.protocol.peers.home import hear_acknowledgement, hear_report, home_steps
from tests.unit.protocol.peers.model import OUTWARD, Kind, Message, World
from tests.unit.protocol.peers.peer import (
    hear_envelope,
    hear_verdict,
    hear_withdrawal,
    peer_steps,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.protocol.peers.model import Edge
    from tests.unit.protocol.peers.rules import PeerRules


def steps(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Yield everything that can happen next without a fault, and the world after it."""
    yield from home_steps(world, rules)
    yield from peer_steps(world, rules)
    for message in sorted(set(world.link)):
        yield from _deliver(world, message, rules)
    yield from _come_back(world)


def _deliver(world: World, message: Message, rules: PeerRules) -> Iterator[Edge]:
    """Deliver a message, in any order."""
    outward = message.kind in OUTWARD
    if not (world.peer_linked and world.peer.awake if outward else world.home_linked):
        return
    arrived = world.without_message(message)
    if message.kind == Kind.ENVELOPE:
        yield from hear_envelope(arrived, message, rules)
    else:
        who = "the peer" if outward else "home"
        yield Step(f"{who} gets {message}"), _hear(arrived, message, rules)


def _hear(world: World, message: Message, rules: PeerRules) -> World:
    match message.kind:
        case Kind.WITHDRAWAL:
            return hear_withdrawal(world, message, rules)
        case Kind.VERDICT:
            return hear_verdict(world, message, rules)
        case Kind.INVITATION:
            return hear_invitation(world, message)
        case Kind.REPORT:
            return hear_report(world, message, rules)
        case _:
            return hear_acknowledgement(world, message, rules)


def _come_back(world: World) -> Iterator[Edge]:
    """Yield what mends itself, on which the end of a job may not rely."""
    if not world.peer.alive:
        yield Step("the peer boots", relied_on=False), world.with_peer(alive=True)
    if world.peer.paused:
        yield Step("the peer continues", relied_on=False), world.with_peer(paused=False)
    if not world.home_linked:
        healed = world._replace(home_linked=True)
        yield Step("home reaches the broker again", relied_on=False), healed
    if not world.peer_linked:
        healed = world._replace(peer_linked=True)
        yield Step("the peer reaches the broker again", relied_on=False), healed
