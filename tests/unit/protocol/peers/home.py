"""What home does: it binds, sends and withdraws, takes reports, and declares the peer silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import JobState
from tests.unit.protocol import statements
from tests.unit.protocol.model import Step
from tests.unit.protocol.peers.carrying import copying_steps
from tests.unit.protocol.peers.model import (
    NOTHING,
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
from tests.unit.protocol.peers.statements import INSIDE, apply, is_current

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.protocol.peers.model import Edge
    from tests.unit.protocol.peers.rules import PeerRules


def home_steps(world: World, rules: PeerRules) -> Iterator[Edge]:
    """Yield everything that home may do next."""
    yield from _place(world, rules)
    yield from _send(world, rules)
    yield from _collect(world, rules)
    yield from copying_steps(world, rules)
    yield from _lead(world, rules)
    if not world.led:
        yield Step("another instance of home leads"), world._replace(led=True)


def bind(world: World, place: Place, rules: PeerRules) -> Iterator[Edge]:
    """Bind a waiting job, to the peer together with the outbox's row."""
    job = statements.bind(world.job, place, 1, INSIDE)
    if job is not None:
        unsent = place == Place.PEER and not rules.bind_writes_outbox
        where = "to the peer" if place == Place.PEER else "in its own cluster"
        after = world._replace(job=job, unsent=unsent)
        yield Step(f"home binds the job {where}, epoch {job.epoch}"), after


def hear_report(world: World, message: Message, rules: PeerRules) -> World:
    """Take a report, or refuse it, and answer."""
    news, told = News(message.says), (message.epoch, message.number)
    if world.purged:
        return answer(world, message, Verdict.UNKNOWN) if rules.unknown_is_answered else world
    if rules.known_is_accepted and _is_known(world, told):
        return answer(world, message, Verdict.ACCEPTED) if rules.known_is_answered else world
    if not is_current(world, message.epoch, rules):
        return answer(world, message, Verdict.STALE)
    if world.job.state == JobState.QUEUED and news in _ENDS and not rules.report_tells_all:
        return world
    if news == News.SUCCEEDED and rules.verdict_waits_for_outputs and lacks(world, message.epoch):
        return invite(world, message, rules)
    job = apply(world.job, news)
    return answer(world._replace(job=job, heard=told), message, Verdict.ACCEPTED)


def hear_acknowledgement(world: World, message: Message, rules: PeerRules) -> World:
    """Note that the peer begins nothing of a binding any more."""
    done = Withdrawal.of(message)
    is_older = done < world.withdrawn and rules.acknowledgement_matches
    stopped = done == (world.job.epoch, True) and world.job.stop_requested
    return world._replace(
        withdrawn=world.withdrawn if is_older else NOTHING, stopped=world.stopped or stopped
    )


def answer(world: World, message: Message, verdict: Verdict) -> World:
    """Send a verdict."""
    return world.with_answer(Message(Kind.VERDICT, message.epoch, message.number, verdict))


def lacks(world: World, epoch: int) -> bool:
    """Tell whether outputs have to come before a binding can succeed."""
    return world.files and all(row != epoch for row, _ in world.outputs)


def invite(world: World, message: Message, rules: PeerRules) -> World:
    """Ask for the outputs, and take the beginning; the report waits for its verdict."""
    begun = apply(world.job, News.STARTED)
    relies = world.invited == message.epoch and not rules.held_may_be_gone
    if world.copying == message.epoch or relies:
        return world._replace(job=begun)
    if not rules.lacking_is_asked_for_again:
        if world.invited == message.epoch:
            return world._replace(job=begun)
        world = world._replace(invited=message.epoch)
    return world._replace(job=begun).with_answer(Message(Kind.INVITATION, message.epoch))


def _is_known(world: World, told: tuple[int, int]) -> bool:
    return told[0] == world.heard[0] and told[1] <= world.heard[1]


#: The news of an end that implies a beginning.
_ENDS = frozenset({News.SUCCEEDED, News.FAILED, News.LOST, News.EXPIRED})


def _place(world: World, rules: PeerRules) -> Iterator[Edge]:
    if world.job.state == JobState.QUEUED and world.job.instance == Place.HOME:
        began = can_begin(world.job, Place.HOME, world.job.epoch)
        if began is not None:
            job, run = began
            after = world._replace(job=job, runs=(*world.runs, run))
            yield Step(f"home runs epoch {job.epoch} itself"), after
    for place in (Place.HOME,) if world.silent else (Place.HOME, Place.PEER):
        yield from bind(world, place, rules)
    for run in world.runs:
        if run.place == Place.HOME:
            yield from _run(world, run)


def _run(world: World, run: Run) -> Iterator[Edge]:
    for outcome, what in ((JobState.SUCCEEDED, "succeeds"), (JobState.PENDING, "fails")):
        job = ended(world.job, run, outcome)
        after = world.with_run(run)
        yield Step(f"home's run {what}"), after if job is None else after._replace(job=job)


def _send(world: World, rules: PeerRules) -> Iterator[Edge]:
    if not world.home_linked:
        return
    envelope = Message(Kind.ENVELOPE, world.job.epoch)
    if _is_wanted(world) and (rules.bind_writes_outbox or world.unsent):
        sent = world._replace(unsent=False).with_message(envelope)
        yield Step(f"home sends {envelope}"), sent
    if world.withdrawn and not world.waits_for(Kind.WITHDRAWAL, Kind.ACKNOWLEDGEMENT):
        message = world.withdrawn.message(Kind.WITHDRAWAL)
        sent = world.with_message(message)
        if not rules.withdrawal_is_repeated:
            sent = sent._replace(withdrawn=NOTHING)
        yield Step(f"home sends {message}"), sent


def _collect(world: World, rules: PeerRules) -> Iterator[Edge]:
    job = world.job
    is_vain = job.final and job.state != JobState.SUCCEEDED
    kept = tuple(one for one in world.outputs if one[0] == job.epoch and not is_vain)
    if kept != world.outputs and rules.vain_is_removed:
        yield Step("home removes outputs that stay invisible"), world._replace(outputs=kept)


def _is_wanted(world: World) -> bool:
    """Tell whether the envelope has to be sent, for the first time or again."""
    waits = world.at_peer and world.job.state == JobState.QUEUED and not world.job.stop_requested
    is_there = world.peer.knows(world.job.epoch) and not world.hasty
    return waits and not is_there and not world.carries(Kind.ENVELOPE)


def _lead(world: World, rules: PeerRules) -> Iterator[Edge]:
    if not world.led:
        return
    if not world.connected and not world.silent and _leases_are_over(world, rules):
        yield Step("home declares the peer silent"), _declare_silent(world, rules)
    if world.silent and world.at_peer and rules.move_asks_rows:
        yield Step("home moves the job from the silent peer"), _moved(world, rules)
    pending = world.withdrawn and rules.lease_waits_for_withdrawals
    if world.silent and world.connected and not pending:
        yield Step("home hears the peer again, which has a lease from now"), _heard(world)


def _leases_are_over(world: World, rules: PeerRules) -> bool:
    """Tell whether an awake peer has ended by now what it does not run without a lease."""
    runs_on = any(run.place != Place.HOME and not run.left for run in world.runs)
    must_end = world.limited and rules.lease_ends_limited and world.peer.awake
    return not (must_end and runs_on)


def _declare_silent(world: World, rules: PeerRules) -> World:
    excused = world.peer.paused or not world.limited
    runs = tuple(
        run if run.place == Place.HOME else run._replace(left=run.left or excused)
        for run in world.runs
    )
    silent = world._replace(silent=True, runs=runs)
    if not rules.move_asks_rows and world.at_peer:
        return _moved(silent, rules)
    return silent


def _moved(world: World, rules: PeerRules) -> World:
    withdrawn = Withdrawal(world.job.epoch, True) if rules.move_withdraws else world.withdrawn
    job = statements.give_back(world.job, INSIDE, crash=False)
    return world._replace(job=job, withdrawn=withdrawn)


def _heard(world: World) -> World:
    """Count the runs again that home did not move meanwhile."""
    runs = tuple(
        run._replace(left=run.left and not (world.at_peer and run.home_epoch == world.job.epoch))
        for run in world.runs
    )
    return world._replace(silent=False, runs=runs)
