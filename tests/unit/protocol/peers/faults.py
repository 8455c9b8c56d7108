"""What can go wrong between two clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from offload.core.states import JobState
from tests.unit.protocol import statements
from tests.unit.protocol.model import Step
from tests.unit.protocol.peers.home import bind
from tests.unit.protocol.peers.model import Edge, Kind, Message, Place, Withdrawal, World
from tests.unit.protocol.peers.rules import PeerRules
from tests.unit.protocol.peers.statements import INSIDE


def cut(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Cut the link, between the broker and either side; what is in the broker stays there."""
    if world.home_linked:
        yield Step("home does not reach the broker any more"), world._replace(home_linked=False)
    if world.peer_linked:
        away = world._replace(peer_linked=False)
        yield Step("the peer does not reach the broker any more"), away


def double(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Deliver a message twice."""
    for message in sorted(set(world.link)):
        yield Step(f"{message} is doubled"), world.with_message(message)


def lose(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Lose a message."""
    for message in sorted(set(world.link)):
        yield Step(f"{message} is lost"), world.without_message(message)


def kill(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Kill everything that runs at the peer; its database stays."""
    if world.peer.alive:
        runs = tuple(run for run in world.runs if run.place == Place.HOME)
        carrying = world.peer.carrying._replace(agents=())
        dead = world.with_peer(alive=False, paused=False, carrying=carrying)._replace(runs=runs)
        if not rules.report_in_transaction:
            dead = dead.with_peer(report=None)
        yield Step("the peer is killed"), dead


def pause(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Freeze the peer with all that runs there."""
    if world.peer.awake:
        yield Step("the peer is paused"), world.with_peer(paused=True)


def behead(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Kill the leader of home, between any two of its statements."""
    if world.led:
        yield Step("home's leader is killed"), world._replace(led=False, unsent=False)


def stop(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Ask for the job to stop."""
    job = statements.stop(world.job, INSIDE)
    if job is None:
        return
    if not world.at_peer:
        yield Step("a stop is accepted"), world._replace(job=job, stopped=True)
        return
    if rules.stop_waits_for_peer:
        job = world.job._replace(stop_requested=True)
    asked = world._replace(job=job, withdrawn=Withdrawal(world.job.epoch, True))
    yield Step("a stop is requested of what the peer holds"), asked


def recall(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Ask for a job back that has not begun: not wrong, but it may begin meanwhile."""
    asked = Withdrawal(world.job.epoch)
    if world.at_peer and world.job.state == JobState.QUEUED and asked > world.withdrawn:
        yield Step("home recalls what the peer holds"), world._replace(withdrawn=asked)


def bind_late(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Bind to a silent peer by a picture from before."""
    if world.silent:
        yield from bind(world, Place.PEER, rules)


def purge(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Delete home's row when its retention ends: not wrong, but a report may still come."""
    if world.job.final and not world.purged:
        yield Step("home purges the job"), world._replace(purged=True, outputs=())


def forget(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Forget at the peer what is closed: not wrong, but an envelope may still come."""
    peer = world.peer
    if not peer.closed or peer.clone is not None or peer.report is not None:
        return
    valid = tuple(
        message
        for message in world.link
        if not rules.memory_outlives_messages or not _is_older(message, peer.closed)
    )
    forgotten = world.with_peer(closed=0)._replace(link=valid)
    yield Step("the peer forgets which bindings are closed"), forgotten


def _is_older(message: Message, epoch: int) -> bool:
    """Tell whether a message was sent before this binding closed, and is not valid any more."""
    return message.kind == Kind.ENVELOPE and message.epoch <= epoch


Fault = Callable[[World, PeerRules], Iterator[Edge]]

FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "cut": cut,
        "doubled": double,
        "lost": lose,
        "peer killed": kill,
        "peer paused": pause,
        "leader killed": behead,
        "stop": stop,
        "recall": recall,
        "old picture": bind_late,
        "purge": purge,
        "forget": forget,
    }
)
