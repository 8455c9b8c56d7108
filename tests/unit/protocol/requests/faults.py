"""What can go wrong with requests, and what people may do at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from tests.unit.protocol.model import Step
from tests.unit.protocol.requests.model import Edge, State, World
from tests.unit.protocol.requests.rules import RequestRules


def double(world: World, rules: RequestRules) -> Iterator[Edge]:
    """Send a message again although it is on its way."""
    for message in sorted(set(world.link)):
        yield Step(f"{message} is doubled"), world.with_message(message)


def lose(world: World, rules: RequestRules) -> Iterator[Edge]:
    """Lose a message."""
    for message in sorted(set(world.link)):
        yield Step(f"{message} is lost"), world.without_message(message)


def kill(world: World, rules: RequestRules) -> Iterator[Edge]:
    """Kill everything that runs at the peer; its database stays."""
    if world.peer.alive:
        yield Step("the peer is killed"), world.with_peer(alive=False, half=0)


def withdraw(world: World, rules: RequestRules) -> Iterator[Edge]:
    """Withdraw an open request, or let it expire."""
    for one in world.rows:
        if not one.open or one.withdrawn:
            continue
        at_once = not one.sent or not rules.withdrawal_waits_for_peer
        row = (
            one._replace(state=State.WITHDRAWN, withdrawn=True)
            if at_once
            else one._replace(withdrawn=True)
        )
        yield Step(f"request {one.number} is withdrawn"), world.with_row(row)


def permission(world: World, rules: RequestRules) -> Iterator[Edge]:
    """Let the peer's settings permit home to rule, or not any more."""
    permits = not world.peer.permits
    word = "lets home rule" if permits else "does not let home rule any more"
    yield Step(f"the peer {word}"), world.with_peer(permits=permits)


def forget(world: World, rules: RequestRules) -> Iterator[Edge]:
    """Forget verdicts at the peer."""
    outlived = {one.number for one in world.rows if not one.open}
    gone = {
        number
        for number, _ in world.peer.known
        if number in outlived or not rules.memory_outlives_request
    }
    if not gone:
        return
    known = tuple(one for one in world.peer.known if one[0] not in gone)
    # What is older than the memory is too old to be taken.
    link = tuple(
        one
        for one in world.link
        if not (one.outward and one.number in gone and rules.memory_outlives_request)
    )
    yield Step("the peer forgets verdicts"), world.with_peer(known=known)._replace(link=link)


Fault = Callable[[World, RequestRules], Iterator[Edge]]

FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "doubled": double,
        "lost": lose,
        "peer killed": kill,
        "withdrawn": withdraw,
        "permission": permission,
        "forget": forget,
    }
)
