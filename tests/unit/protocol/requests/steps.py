"""What happens by itself, without any fault: people ask, home sends, the peer answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.protocol.model import Step
from tests.unit.protocol.requests.model import (
    REQUESTS,
    Message,
    Request,
    Says,
    State,
    World,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.protocol.requests.model import Edge
    from tests.unit.protocol.requests.rules import RequestRules


def steps(world: World, rules: RequestRules) -> Iterator[Edge]:
    """Yield everything that can happen next without a fault, and the world after it."""
    yield from _ask(world, rules)
    yield from _send(world, rules)
    yield from _note(world)
    for message in sorted(set(world.link)):
        if not message.outward or world.peer.alive:
            who = "the peer" if message.outward else "home"
            hear = _hear_request if message.outward else _hear_verdict
            arrived = world.without_message(message)
            yield Step(f"{who} gets {message}"), hear(arrived, message, rules)
    if not world.peer.alive:
        yield Step("the peer boots", relied_on=False), world.with_peer(alive=True)


def _ask(world: World, rules: RequestRules) -> Iterator[Edge]:
    """Make a request: of another subject, or of the same as those before it."""
    number = len(world.rows) + 1
    if number > REQUESTS:
        return
    made = world._replace(rows=(*world.rows, Request(number)))
    yield Step(f"a person makes request {number}"), made
    replaced = [
        one for one in world.rows if one.open and not (one.sent and rules.replaces_unsent_alone)
    ]
    for one in replaced:
        made = made.with_row(one._replace(state=State.REPLACED))
    if replaced:
        yield Step(f"a person makes request {number} in the place of an older one"), made


def _send(world: World, rules: RequestRules) -> Iterator[Edge]:
    """Send the oldest open request, unless it or its verdict is on its way."""
    found = [one for one in world.rows if one.open]
    for one in found[:1] if rules.oldest_first else found:
        if one.sent and not (rules.request_is_repeated or one.withdrawn):
            continue
        says = "withdrawn" if one.withdrawn else ""
        message = Message(True, one.number, says)
        if message in world.link or _is_answered(world, one.number):
            continue
        yield (
            Step(f"home sends {message}"),
            world.with_row(one._replace(sent=True)).with_message(message),
        )


def _is_answered(world: World, number: int) -> bool:
    return any(not one.outward and one.number == number for one in world.link)


def _hear_request(world: World, message: Message, rules: RequestRules) -> World:
    peer, number = world.peer, message.number
    known = peer.verdict(number)
    if known is not None:
        is_final = rules.verdict_is_final or not message.says
        says = known if is_final else Says.WITHDRAWN
        return _answered(world, number, says) if rules.known_is_answered else world
    if message.says:
        return _close(world, number, Says.WITHDRAWN, remember=rules.withdrawal_closes)
    if rules.asks_permission and not peer.permits:
        return _close(world, number, Says.REFUSED, remember=rules.refused_is_remembered)
    return _apply(world, number, rules)


def _apply(world: World, number: int, rules: RequestRules) -> World:
    applied = (*world.peer.applied, number)
    done = world.with_peer(applied=applied)._replace(against=not world.peer.permits)
    if not rules.verdict_with_change:
        return done.with_peer(half=number)
    return _close(done, number, Says.APPLIED, remember=rules.applied_is_remembered)


def _note(world: World) -> Iterator[Edge]:
    """Note what was applied, in a transaction of its own (a rule is off)."""
    number = world.peer.half
    if number and world.peer.alive:
        noted = _close(world.with_peer(half=0), number, Says.APPLIED, remember=True)
        yield Step(f"the peer notes the verdict on {number}"), noted


def _close(world: World, number: int, says: Says, *, remember: bool) -> World:
    known = (*world.peer.known, (number, says)) if remember else world.peer.known
    return _answered(world.with_peer(known=known), number, says)


def _answered(world: World, number: int, says: Says) -> World:
    return world.with_message(Message(False, number, says))


def _hear_verdict(world: World, message: Message, rules: RequestRules) -> World:
    found = [one for one in world.rows if one.open]
    if rules.verdict_matches_request:
        found = [one for one in found if one.number == message.number]
    if not found:
        return world
    return world.with_row(found[0]._replace(state=State(message.says)))
