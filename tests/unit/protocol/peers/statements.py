"""The statements that change what belongs to a job between two clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import JobState
from tests.unit.protocol import statements
from tests.unit.protocol.model import Attempt, Job
from tests.unit.protocol.peers.model import CLONE, News, Place, Report, Withdrawal, World
from tests.unit.protocol.rules import Rules

if TYPE_CHECKING:
    from tests.unit.protocol.peers.model import Peer
    from tests.unit.protocol.peers.rules import PeerRules

#: Inside a cluster every rule holds: those are the other model's.
INSIDE = Rules()
#: The token at home of what runs at a peer.
ELSEWHERE = -1


def apply(job: Job, news: News) -> Job:
    """Do to home's row what a report of its binding tells."""
    running = job._replace(state=JobState.ACTIVE, token=ELSEWHERE)
    match news:
        case News.STARTED:
            return running
        case News.SUCCEEDED:
            return _finished(running, JobState.SUCCEEDED)
        case News.FAILED:
            return _finished(running, JobState.PENDING)
        case News.LOST:
            return statements.give_back(running, INSIDE)
        case News.EXPIRED | News.STOPPED | News.REFUSED:
            return statements.requeue(job, INSIDE)


def take(peer: Peer, epoch: int) -> Peer:
    """Make the clone of a binding, in the place of what is left of an older one."""
    closed = max(peer.closed, peer.home_epoch)
    taken = peer._replace(clone=CLONE, home_epoch=epoch, report=None, closed=closed)
    return taken._replace(inputs=False, carrying=peer.carrying.over())


def refuse(peer: Peer, epoch: int, rules: PeerRules) -> Peer:
    """Refuse a binding, whose clone is not made."""
    closed = max(peer.closed, peer.home_epoch, epoch if rules.refusal_closes else 0)
    report = Report(epoch, 1, News.REFUSED)
    refused = peer._replace(clone=None, home_epoch=0, report=report, closed=closed)
    return refused._replace(inputs=False, carrying=peer.carrying.over())


def withdraw(peer: Peer, asked: Withdrawal, rules: PeerRules) -> Peer:
    """Let nothing of a binding, or of an older one, begin any more."""
    epoch, stops_runs = asked
    unknown = epoch > max(peer.closed, peer.home_epoch)
    if rules.withdrawal_closes:
        peer = peer._replace(closed=max(peer.closed, epoch))
    if peer.clone is not None and peer.home_epoch <= epoch and _ends(peer.clone, stops_runs):
        peer = end(peer, statements.stop(peer.clone, INSIDE), News.STOPPED, rules)
    if unknown:
        # The report takes the place of an older clone's, whose outputs nobody waits for.
        report = Report(epoch, 1, News.STOPPED)
        peer = peer._replace(report=report, carrying=peer.carrying.over())
    return peer


def _ends(clone: Job, stops_runs: bool) -> bool:
    return stops_runs or clone.state != JobState.ACTIVE


def end(peer: Peer, clone: Job | None, news: News, rules: PeerRules) -> Peer:
    """Write what became of the clone, and report it if that is its end."""
    if clone is None:
        return peer
    peer = peer._replace(clone=clone, carrying=peer.carrying.over())
    return tell(peer, news, rules) if clone.final else peer


def tell(peer: Peer, news: News, rules: PeerRules) -> Peer:
    """Report what became of the clone, in the place of what was reported of it before."""
    epoch = peer.home_epoch
    if not rules.clone_keeps_home_epoch and peer.clone is not None:
        epoch += max(0, peer.clone.epoch - 1)
    if peer.report is not None and peer.report.epoch > epoch:
        return peer
    number = 1 if news == News.STARTED else 2
    return peer._replace(report=Report(epoch, number, news))


def settle(peer: Peer, epoch: int, number: int, rules: PeerRules) -> Peer:
    """Delete the report that a verdict is about."""
    report = peer.report
    if report is None or report.epoch != epoch:
        return peer
    if rules.verdict_matches_number and report.number != number:
        return peer
    return peer._replace(report=None, carrying=peer.carrying.over())


def is_current(world: World, epoch: int, rules: PeerRules) -> bool:
    """Tell whether home's row is bound to the peer under this epoch."""
    right_epoch = epoch == world.job.epoch or not rules.report_matches_epoch
    right_place = world.at_peer or not rules.report_matches_place
    return right_epoch and right_place


def _finished(job: Job, outcome: JobState) -> Job:
    mine = Attempt(Place.PEER, job.epoch, job.token)
    return statements.finish(job, mine, outcome, INSIDE) or job
