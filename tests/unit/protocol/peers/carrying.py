"""How files travel: fetched before the clone may begin, pushed before its end is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import JobState
from tests.unit.protocol.model import Step
from tests.unit.protocol.peers.model import Kind, Message, News, Report, World
from tests.unit.protocol.peers.statements import is_current, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.protocol.peers.model import Edge, Peer
    from tests.unit.protocol.peers.rules import PeerRules


def is_carried(world: World) -> bool:
    """Tell whether a report need not be sent: outputs, or their request, are on their way."""
    is_open = world.peer.carrying.wanted or world.carries(Kind.INVITATION)
    return is_open and not world.hasty


def hear_invitation(world: World, message: Message) -> World:
    """Note that home lacks the outputs of the clone."""
    if not _has_outputs(world.peer, message.epoch):
        return world
    return world.with_peer(carrying=world.peer.carrying._replace(wanted=True))


def carrying_steps(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Yield what the peer's agents may do next with files."""
    peer = world.peer
    carrying = peer.carrying
    mine = (peer.home_epoch, peer.clone is not None and peer.clone.final)
    if carrying.wanted and not carrying.owned and mine not in carrying.agents:
        begun = carrying._replace(owned=True, agents=(*carrying.agents, mine))
        what = "pushing the outputs" if mine[1] else "fetching the inputs"
        yield Step(f"an agent begins {what} of epoch {mine[0]}"), world.with_peer(carrying=begun)
    if carrying.owned and mine not in carrying.agents and rules.carrying_is_taken_over:
        free = world.with_peer(carrying=carrying._replace(owned=False))
        yield Step("the files have no agent any more"), free
    for agent in carrying.agents:
        rest = world.with_peer(carrying=carrying.without(agent))
        yield from (_push if agent[1] else _fetch)(rest, agent[0], rules)


def copying_steps(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Yield what home's agents may do next with contents that home has."""
    invitation = next((one for one in world.link if one.kind == Kind.INVITATION), None)
    if invitation is not None and not world.copying:
        # Home decides when it takes the report: it asks for the outputs, or copies them.
        here = world.without_message(invitation)._replace(copying=invitation.epoch)
        yield Step("home has the content, and copies it instead of asking"), here
    if world.copying:
        epoch, rest = world.copying, world._replace(copying=0)
        yield Step(f"home has copied the outputs of epoch {epoch}"), _stored(rest, epoch, rules)
        gone = rest if rules.held_may_be_gone else rest._replace(invited=epoch)
        yield Step("the content is gone, or the job is over"), gone


def _fetch(world: World, epoch: int, rules: PeerRules) -> Iterator[Edge]:
    is_mine = _wants_inputs(world.peer, epoch)
    if world.connected:
        here = world
        if is_mine or not rules.fetched_is_fenced:
            here = world.with_peer(inputs=True, carrying=world.peer.carrying.over())
        yield Step(f"the inputs of epoch {epoch} are fetched"), here
    failed = world._replace(peer=refuse(world.peer, epoch, rules)) if is_mine else world
    yield Step(f"the inputs of epoch {epoch} cannot be fetched"), failed


def _push(world: World, epoch: int, rules: PeerRules) -> Iterator[Edge]:
    is_mine = world.peer.carrying.wanted and _has_outputs(world.peer, epoch)
    over = world.with_peer(carrying=world.peer.carrying.over()) if is_mine else world
    if world.connected:
        yield Step(f"the outputs of epoch {epoch} are pushed"), _stored(over, epoch, rules)
    failed = over.with_peer(report=Report(epoch, 3, News.FAILED)) if is_mine else world
    yield Step(f"the outputs of epoch {epoch} cannot be pushed"), failed


def _stored(world: World, epoch: int, rules: PeerRules) -> World:
    """Store outputs at home, if their binding is still open there."""
    row = epoch if rules.outputs_are_kept_by_epoch else world.job.epoch
    if not world.at_peer or not is_current(world, row, rules):
        return world
    others = tuple(one for one in world.outputs if one[0] != row)
    return world._replace(outputs=(*others, (row, epoch)))


def _wants_inputs(peer: Peer, epoch: int) -> bool:
    waits = peer.clone is not None and peer.clone.state == JobState.PENDING
    return waits and peer.home_epoch == epoch and peer.carrying.wanted


def _has_outputs(peer: Peer, epoch: int) -> bool:
    report = peer.report
    is_told = report is not None and (report.epoch, report.news) == (epoch, News.SUCCEEDED)
    return is_told and peer.clone is not None and peer.home_epoch == epoch
