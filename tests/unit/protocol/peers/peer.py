"""What the peer does: it clones what home sends, runs it as its own, and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import JobState
from tests.unit.protocol import statements
from tests.unit.protocol.model import Step
from tests.unit.protocol.peers.carrying import carrying_steps, is_carried
from tests.unit.protocol.peers.model import (
    Kind,
    Message,
    News,
    Place,
    Run,
    Verdict,
    Withdrawal,
    World,
)
from tests.unit.protocol.peers.running import can_begin, ended
from tests.unit.protocol.peers.statements import (
    INSIDE,
    end,
    refuse,
    settle,
    take,
    tell,
    withdraw,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.protocol.model import Job
    from tests.unit.protocol.peers.model import Edge
    from tests.unit.protocol.peers.rules import PeerRules

OUTCOMES = (
    (JobState.SUCCEEDED, News.SUCCEEDED, "succeeds"),
    (JobState.PENDING, News.FAILED, "fails"),
    (JobState.STOPPED, News.STOPPED, "ends as it was told"),
)


def peer_steps(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Yield everything that the peer may do next."""
    if world.peer.awake:
        yield from _run(world, rules)
        yield from _reconcile(world, rules)
        yield from carrying_steps(world, rules)
        yield from _send(world, rules)
        yield from _clean(world, rules)


def hear_envelope(world: World, message: Message, rules: PeerRules) -> Iterator[Edge]:
    """Make a clone, or refuse; a known binding is not taken again."""
    peer, epoch = world.peer, message.epoch
    if peer.knows(epoch):
        yield Step(f"the peer knows {message}"), world
    elif rules.takes_at_rest and any(run.place != Place.HOME for run in world.runs):
        yield Step(f"the peer does not take {message} yet"), world
    else:
        taken = world._replace(peer=take(peer, epoch))
        if world.files:
            taken = taken.with_peer(carrying=taken.peer.carrying._replace(wanted=True))
        yield Step(f"the peer takes {message}"), taken
        refused = world._replace(peer=refuse(peer, epoch, rules))
        yield Step(f"the peer refuses {message}"), refused


def hear_withdrawal(world: World, message: Message, rules: PeerRules) -> World:
    """Let the binding begin no more, and say so."""
    asked = Withdrawal.of(message)
    known = asked.epoch <= world.peer.closed
    after = world._replace(peer=withdraw(world.peer, asked, rules))
    said = asked.message(Kind.ACKNOWLEDGEMENT)
    if known and not rules.withdrawal_is_acknowledged:
        return after
    return after.with_answer(said)


def hear_verdict(world: World, message: Message, rules: PeerRules) -> World:
    """Delete the report that was answered; stop what home does not wait for any more."""
    peer = settle(world.peer, message.epoch, message.number, rules)
    stale = message.says != Verdict.ACCEPTED and peer.home_epoch == message.epoch
    if stale and peer.clone is not None:
        peer = peer._replace(clone=statements.stop(peer.clone, INSIDE) or peer.clone)
    return world._replace(peer=peer)


def _run(world: World, rules: PeerRules) -> Iterator[Edge]:
    clone = world.peer.clone
    if clone is not None and clone.state == JobState.PENDING:
        yield from _begin(world, clone, rules)
        if not rules.clone_keeps_home_epoch and clone.epoch == 0:
            # A binding inside the peer that comes to nothing raises the clone's own epoch.
            yield Step("the peer recalls the clone"), world.with_peer(clone=_recalled(clone))
    for run in world.runs:
        if run.place != Place.HOME:
            yield from _finish(world, run, rules)


def _recalled(clone: Job) -> Job:
    bound = statements.bind(clone, Place.PEER, 1, INSIDE) or clone
    return statements.requeue(bound, INSIDE)


def _begin(world: World, clone: Job, rules: PeerRules) -> Iterator[Edge]:
    if world.files and rules.begin_waits_for_inputs and not world.peer.inputs:
        return
    for place in (Place.PEER,) if rules.clone_stays else (Place.PEER, Place.THIRD):
        # A lease is from home to the peer: a third cluster has one from the peer alone.
        leased = not world.silent or not rules.claim_needs_lease or place == Place.THIRD
        bound = statements.bind(clone, place, 1, INSIDE)
        began = bound and can_begin(bound, place, world.peer.home_epoch)
        if leased and began:
            row, run = began
            peer = tell(world.peer._replace(clone=row), News.STARTED, rules)
            after = world._replace(peer=peer, runs=(*world.runs, run))
            where = " in a third cluster" if place == Place.THIRD else ""
            yield Step(f"the clone of epoch {run.home_epoch} is claimed and runs{where}"), after


def _finish(world: World, run: Run, rules: PeerRules) -> Iterator[Edge]:
    row = world.row(run)
    for outcome, news, what in OUTCOMES:
        told_to = row is not None and row.stop_requested
        if outcome == JobState.STOPPED and not told_to:
            continue
        peer = end(world.peer, ended(row, run, outcome), news, rules)
        yield (
            Step(f"the run of epoch {run.home_epoch} {what}"),
            world.with_run(run)._replace(peer=peer),
        )
    if world.limited and rules.lease_ends_limited and not world.connected:
        yield Step("the lease expires, the run is ended"), _lost(world, News.EXPIRED, rules, run)


def _reconcile(world: World, rules: PeerRules) -> Iterator[Edge]:
    clone = world.peer.clone
    if clone is None or clone.state != JobState.ACTIVE:
        return
    if not any(run.place != Place.HOME for run in world.runs):
        yield Step("the peer finds that the run is lost"), _lost(world, News.LOST, rules)


def _lost(world: World, news: News, rules: PeerRules, *runs: Run) -> World:
    for run in runs:
        world = world.with_run(run)
    clone = world.peer.clone
    if clone is None or clone.state != JobState.ACTIVE:
        return world
    row = statements.give_back(clone, INSIDE)
    told = News.STOPPED if row.state == JobState.STOPPED else news
    return world._replace(peer=end(world.peer, row, told, rules))


def _send(world: World, rules: PeerRules) -> Iterator[Edge]:
    report = world.peer.report
    is_on_its_way = world.waits_for(Kind.REPORT, Kind.VERDICT) or is_carried(world)
    if report is None or not world.peer_linked or is_on_its_way:
        return
    sent = world.with_message(report.message)
    if not rules.report_waits_for_verdict:
        sent = sent.with_peer(report=None)
    yield Step(f"the peer sends {report.message}"), sent


def _clean(world: World, rules: PeerRules) -> Iterator[Edge]:
    peer = world.peer
    if peer.report is not None:
        return
    if peer.clone is not None and peer.clone.final:
        closed = max(peer.closed, peer.home_epoch if rules.end_closes else 0)
        gone = world.with_peer(clone=None, home_epoch=0, closed=closed, inputs=False)
        yield Step("the peer deletes the clone"), gone
