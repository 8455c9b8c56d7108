"""The steps of the model, taken by the code at one of the two ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.db.models.functions import Now

from offload.core.attempt_key import AttemptKey
from offload.core.peers.contents import CloneReport, PeerEnvelope, Withdrawal
from offload.core.placement.lanes import Lane
from offload.core.retries import Cause, RetryPolicy
from offload.core.tokens import new_secret
from offload.dispatch import dispatching
from offload.files import deletion
from offload.jobs import claims, endings, losses, stopping
from offload.jobs.claims import MessageFacts
from offload.jobs.decisions import decided
from offload.jobs.endings import Ending
from offload.models import ClosedBinding, Exclusion, Instance, Job, Peer
from offload.models.versions import raise_version
from offload.peers.travel import moving
from offload.tracking import requeue, selectors
from offload.tracking.binding.bindings import bind as bind_there
from tests.arranging import arrange
from tests.integration.protocol.peers.stage import HOUR, OWN, agrees
from tests.integration.world import BROKE, HERE, TASK
from tests.unit.protocol.peers.model import Kind, Message, Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.protocol.peers.schedules import Act
    from tests.integration.protocol.peers.stage import Stage
    from tests.unit.protocol.peers.model import Run

ONCE = RetryPolicy(retries=0, delay=0.0)


def bind(stage: Stage, act: Act) -> None:
    """Bind the job, once nothing keeps it from there any more."""
    assert act.after.job.instance is not None
    where = Place(act.after.job.instance)
    with stage.home.here():
        arrange(Job.objects.filter(run_at__isnull=False), run_at=Now() - HOUR)
        requeue.release_due()
        Exclusion.objects.all().delete()
        row = Job.objects.get(pk=stage.job_id)
        there, lanes = stage.place(where), [Lane.parse(row.lane)]
        found = bind_there(there, lanes, limit=1, suspect=row.hold == "suspect")
        assert [one.epoch for one in found] == [act.after.job.epoch]


def send(stage: Stage, act: Act) -> None:
    """Send what is due, under the message of the model."""
    [message] = _new(act)
    kinds: dict[Kind, type[Any]] = {Kind.ENVELOPE: PeerEnvelope, Kind.WITHDRAWAL: Withdrawal}
    sender = stage.home if message.kind in kinds else stage.peer
    content = stage.due(kinds.get(message.kind, CloneReport), sender)
    assert agrees(message, content), (message, content)
    stage.contents[message] = content


def _new(act: Act) -> list[Message]:
    """Return the messages that a step adds to the link."""
    rest = list(act.after.link)
    for message in act.before.link:
        if message in rest:
            rest.remove(message)
    return rest


def _gone(act: Act) -> Message:
    """Return the message that a step takes from the link."""
    rest = list(act.before.link)
    for message in act.after.link:
        if message in rest:
            rest.remove(message)
    [message] = rest
    return message


def deliver(stage: Stage, act: Act) -> None:
    """Deliver a message; compare the answer with the model's."""
    message = _gone(act)
    outward = message.kind in {Kind.ENVELOPE, Kind.WITHDRAWAL, Kind.VERDICT}
    receiver = stage.peer if outward else stage.home
    stage.link.deliver(receiver, stage.contents[message])
    answers = stage.link.sent[receiver.other]
    for answer in _new(act):
        [content] = answers
        assert agrees(answer, content), (answer, content)
        stage.contents[answer] = content
    answers.clear()
    stage.renew()


def refuse(stage: Stage, act: Act) -> None:
    """Deliver an envelope to a peer whose instance takes nothing now."""
    with stage.peer.here():
        Instance.objects.update(mode="draining")
        raise_version()
    deliver(stage, act)
    with stage.peer.here():
        Instance.objects.update(mode="ready")
        raise_version()


def begin(stage: Stage, act: Act) -> None:
    """Claim the job, or its clone, for a run; without a lease no clone begins."""
    [run] = set(act.after.runs) - set(act.before.runs)
    is_home = run.place == Place.HOME
    with (stage.home if is_home else stage.peer).here():
        if not is_home:
            _bind_clone()
        stage.runs[_key(run)] = _claimed(stage.job_id, OWN if is_home else HERE)
    stage.renew()


def _bind_clone() -> None:
    Exclusion.objects.all().delete()
    dispatching.refill(HERE)


def _claimed(job_id: str, worker: str) -> Ending:
    row = Job.objects.get(pk=job_id)
    key = AttemptKey.by(new_secret(), job_id=job_id, epoch=row.epoch)
    facts = MessageFacts(
        task=TASK, argsrepr="()", kwargsrepr="{}", worker=worker, incarnation=row.incarnation
    )
    claimed = claims.begin(key, facts)
    assert claimed is not None
    return Ending(key=key, claimed=claimed, facts=facts)


def _key(run: Run) -> tuple[Place, int]:
    return run.place, run.home_epoch


def end(stage: Stage, act: Act) -> None:
    """Write the end of a run."""
    [run] = set(act.before.runs) - set(act.after.runs)
    ending, what = stage.runs.pop(_key(run)), act.step.what
    is_home = run.place == Place.HOME
    with (stage.home if is_home else stage.peer).here():
        if what.endswith("succeeds"):
            endings.succeed(ending, None)
        elif what.endswith("told"):
            endings.stop(ending)
        elif what.endswith("ended"):
            moving.end_unleased()
            losses.ended(ending.key.binding, cause=Cause.STOPPED_FORCED, detail="no lease")
        else:
            policy = losses.retry_policy("default", {}, by_queue=True) if is_home else ONCE
            endings.fail(ending, decided(policy, ending.claimed, Cause.FAILED), BROKE)
    stage.renew()


def lose(stage: Stage, act: Act) -> None:
    """Let the peer find out that nothing runs of what its row says."""
    with stage.peer.here():
        row = Job.objects.get(pk=stage.job_id)
        losses.crashed((row.pk, row.epoch), "it is missing")
    stage.renew()


def declare_silent(stage: Stage, act: Act) -> None:
    """Declare the peer silent, whose lease is over by then."""
    stage.let_begin(is_leased=False)
    with stage.home.here():
        Peer.objects.update(silent_since=Now())
        raise_version()


def move(stage: Stage, act: Act) -> None:
    """Move what the silent peer holds."""
    with stage.home.here():
        assert moving.move(stage.term()) == 1


def hear(stage: Stage, act: Act) -> None:
    """Count the peer as present again."""
    with stage.home.here():
        Peer.objects.update(silent_since=None)
        raise_version()
    stage.let_begin(is_leased=True)


def stop(stage: Stage, act: Act) -> None:
    """Ask for the job to stop."""
    with stage.home.here():
        stopping.stop(stage.job_id)


def recall(stage: Stage, act: Act) -> None:
    """Ask for the job back."""
    with stage.home.here():
        requeue.recall(selectors.one((stage.job_id, act.before.job.epoch)), cause=Cause.REQUEUED)


def purge(stage: Stage, act: Act) -> None:
    """Delete home's row."""
    with stage.home.here():
        deletion.forget([stage.job_id])


def forget(stage: Stage, act: Act) -> None:
    """Forget at the peer what is closed; of the clone, which is history, nothing is left either."""
    with stage.peer.here():
        ClosedBinding.objects.all().delete()
        deletion.forget(list(Job.objects.values_list("pk", flat=True)))


def nothing(stage: Stage, act: Act) -> None:
    """Leave the tables alone: this happens to a process, or in the broker."""


#: The action for each step of the model, by a pattern of its text.
CALLS: dict[str, Callable[[Stage, Act], None]] = {
    "home binds the job": bind,
    "home runs epoch": begin,
    "home's run ": end,
    "home sends|the peer sends": send,
    "the peer knows|the peer does not take|the peer takes": deliver,
    "the peer refuses": refuse,
    "the peer gets|home gets": deliver,
    "is claimed and runs": begin,
    "the run of epoch|the lease expires, the run": end,
    "the peer finds that the run is lost": lose,
    "home declares the peer silent": declare_silent,
    "home moves the job": move,
    "home hears the peer again": hear,
    "a stop is accepted|a stop is requested": stop,
    "home recalls": recall,
    "home purges": purge,
    "the peer forgets": forget,
    "the peer deletes the clone": nothing,
    "another instance of home leads|home's leader is killed": nothing,
    "is doubled|is lost$|any more$|the broker again|is killed|is paused|continues|boots": nothing,
}


def call_of(what: str) -> Callable[[Stage, Act], None]:
    """Return the action for a step."""
    return next(call for said, call in CALLS.items() if re.search(said, what))
