"""The peer's side: clones of what a home sends, withdrawn and answered by it (P4 to P7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.options import TIME_LIMITS
from offload.core.envelopes import BUILTIN_TASKS, MAP_TASK, MAPPED, mapped_task
from offload.core.exceptions import UnfitProperties
from offload.core.matching.amounts import Amounts
from offload.core.peers.contents import Acknowledgement, CloneRefusal, ReportVerdict
from offload.core.peers.peer_switches import PeerSwitch
from offload.core.placement.routing import Need, plan
from offload.core.states import Hold, JobState
from offload.db import database
from offload.dispatch import offering
from offload.dispatch.submission import choose_queue, keyed
from offload.files import deletion
from offload.fleet.consumers import check_names
from offload.fleet.snapshots import now as moment
from offload.fleet.snapshots import snapshot
from offload.jobs import stopping
from offload.models import Job
from offload.peers.files import fetched_inputs, pushing
from offload.peers.travel import hosted_runs
from offload.peers.travel.options import of_clone
from offload.queues import resources
from offload.tracking.drafts import Draft
from offload.tracking.peers import clones, news

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from offload.core.peers.contents import Content, PeerEnvelope, ReportAnswer, Withdrawal


def take_envelope(home: str, envelope: PeerEnvelope, now: datetime) -> tuple[Content, ...]:
    """Make the clone of a job that a home sends, or refuse it; a known binding is left alone."""
    row = _row(envelope.job_id)
    clone = row if row is not None and row.home == home else None
    if envelope.epoch <= _known(home, envelope.job_id, clone):
        return ()
    if clone is not None and clone.state == JobState.ACTIVE:
        # P6: home sends it again.
        return ()
    tasks = _tasks(envelope)
    refusal = CloneRefusal.ID_IN_USE if row is not clone else _refusal(home, envelope, tasks)
    if refusal is not None:
        _refuse(home, envelope, refusal)
    else:
        _clone(home, envelope, MAP_TASK if envelope.task == MAP_TASK else tasks[0], clone)
    return ()


def refuse_envelope(home: str, envelope: PeerEnvelope, now: datetime) -> tuple[Content, ...]:
    """Refuse a job of a topic that is not accepted from this home."""
    row = _row(envelope.job_id)
    clone = row if row is not None and row.home == home else None
    is_running = clone is not None and clone.state == JobState.ACTIVE
    if envelope.epoch > _known(home, envelope.job_id, clone) and not is_running:
        _refuse(home, envelope, CloneRefusal.NOT_PERMITTED)
    return ()


def take_withdrawal(home: str, asked: Withdrawal, now: datetime) -> tuple[Content, ...]:
    """Let a binding, and all older ones, begin no more; say so, each time again (P5, P7)."""
    if asked.stops_runs:
        hosted_runs.stop(home, asked.job_id, asked.epoch, force=asked.is_forced)
    row = _row(asked.job_id)
    clone = row if row is not None and row.home == home else None
    is_unknown = asked.epoch > _known(home, asked.job_id, clone)
    clones.close(asked.job_id, home, asked.epoch)
    if clone is not None and _is_meant(clone, asked):
        stopping.stop_jobs([clone.pk], force=asked.is_forced)
        fetched_inputs.give_up(clone, "home took its job back")
    if is_unknown:
        if clone is not None:
            # Its report is overwritten, and nobody waits for its outputs.
            pushing.conclude(clone, has_come=False)
        news.report_without_clone(asked.job_id, home, asked.epoch, news.WITHDRAWN)
    acknowledgement = Acknowledgement(
        job_id=asked.job_id,
        epoch=asked.epoch,
        stops_runs=asked.stops_runs,
        is_forced=asked.is_forced,
    )
    return (acknowledgement,)


def _is_meant(clone: Job, asked: Withdrawal) -> bool:
    """Return whether a clone must stop: what runs may go on unless that is said."""
    is_open = not clone.is_finished and (clone.home_epoch or 0) <= asked.epoch
    if hosted_runs.leads(clone):
        # It ends with its run, which was stopped before.
        return False
    return is_open and (asked.stops_runs or clone.state != JobState.ACTIVE)


def take_answer(home: str, answer: ReportAnswer, now: datetime) -> tuple[Content, ...]:
    """End the report that home has answered; stop what it does not wait for any more (P3)."""
    is_accepted = answer.verdict is ReportVerdict.ACCEPTED
    if not is_accepted:
        hosted_runs.stop(home, answer.job_id, answer.epoch)
    is_last = news.settle(home, answer.job_id, answer.epoch, answer.number)
    row = None if is_accepted and not is_last else _row(answer.job_id)
    if row is not None and (row.home, row.home_epoch) == (home, answer.epoch):
        if is_last:
            has_come = is_accepted and row.state == JobState.SUCCEEDED
            pushing.conclude(row, has_come=has_come)
        if not is_accepted and not hosted_runs.leads(row):
            stopping.stop_jobs([row.pk])
            fetched_inputs.give_up(row, "home does not wait for its job")
    return ()


def _row(job_id: str) -> Job | None:
    """Return a job's row, locked: what is decided of it holds until the commit."""
    return Job.objects.select_for_update().filter(pk=job_id).first()


def _known(home: str, job_id: str, clone: Job | None) -> int:
    """Return the highest binding that is known here: cloned, or closed."""
    mine = (clone.home_epoch or 0) if clone is not None else 0
    return max(mine, clones.closed_up_to(job_id, home))


def _tasks(envelope: PeerEnvelope) -> list[str]:
    """Return the tasks of the topic at the allowed instances, beginning with the bound one."""
    candidates = plan(Need(topic=envelope.topic), snapshot().topology, moment()).candidates
    allowed = {envelope.instance, *envelope.others}
    here = [one for one in candidates if one.instance.name in allowed and not one.instance.peer]
    here.sort(key=lambda one: one.instance.name != envelope.instance)
    return [one.consumer.task for one in here]


def _refusal(home: str, envelope: PeerEnvelope, tasks: Sequence[str]) -> CloneRefusal | None:
    if snapshot().switches.off(PeerSwitch.ACCEPT, home):
        return CloneRefusal.SWITCHED_OFF
    if not tasks:
        return CloneRefusal.NO_INSTANCE
    if resources.missing(envelope.resources):
        return CloneRefusal.NO_RESOURCE
    if not _is_known(envelope, tasks):
        return CloneRefusal.OTHER_TASK
    try:
        if not envelope.args and envelope.task != MAP_TASK:
            check_names(envelope.topic, envelope.properties)
    except UnfitProperties:
        return CloneRefusal.UNFIT_PROPERTIES
    return fetched_inputs.refusal(home, envelope)


def _is_known(envelope: PeerEnvelope, tasks: Sequence[str]) -> bool:
    """Tell whether the task is one that the instances announce, or a map over such a one.

    Any other builtin task would run whatever its arguments name.
    """
    if envelope.task == MAP_TASK:
        return not envelope.args and mapped_task(envelope.properties) in tasks
    return envelope.task in {"", *tasks} and envelope.task not in BUILTIN_TASKS


def _refuse(home: str, envelope: PeerEnvelope, reason: CloneRefusal) -> None:
    clones.close(envelope.job_id, home, envelope.epoch)
    news.report_without_clone(envelope.job_id, home, envelope.epoch, news.REFUSED, reason)


def _clone(home: str, envelope: PeerEnvelope, task: str, older: Job | None) -> None:
    """Make a clone, in the place of an older one that does not run (P6)."""
    epoch = 0
    if older is not None:
        epoch = older.epoch
        fetched_inputs.give_up(older, "home has bound its job anew")
        pushing.conclude(older, has_come=False)
        deletion.forget([older.pk])
    # Home counts by its own key, which does not travel; the queue here has rules of its own.
    [draft] = keyed([_draft(envelope, task, epoch)])
    if not clones.store(draft, home=home, epoch=envelope.epoch):
        # Another agent takes the same envelope, and counts its reports already; if something else
        # has the id, home sends it again, and is told so.
        return
    allowed = [envelope.instance, *envelope.others]
    news.open_(envelope.job_id, home, envelope.epoch, allowed=allowed)
    if envelope.files:
        # P11: an agent fetches them first.
        fetched_inputs.note(home, envelope)
    else:
        database.on_commit(lambda: offering.offer([draft.lane]))


def _properties(envelope: PeerEnvelope, task: str) -> Mapping[str, Any]:
    """Return the properties of a clone; of a map's signature only the name of the task is kept."""
    if task != MAP_TASK:
        return envelope.properties
    return {**envelope.properties, MAPPED: {"task": mapped_task(envelope.properties)}}


def _draft(envelope: PeerEnvelope, task: str, epoch: int) -> Draft:
    options = of_clone(envelope.options, is_limited=envelope.is_limited)
    limits = any(options.get(name) for name in TIME_LIMITS)
    return Draft(
        id=envelope.job_id,
        topic=envelope.topic,
        task=task,
        queue=choose_queue(envelope.topic, None),
        needs="limit clone" if limits else "clone",
        args=envelope.args,
        properties=_properties(envelope, task),
        options=options,
        priority=envelope.priority,
        parent_id=envelope.parent_id,
        root_id=envelope.root_id,
        epoch=epoch,
        resources=Amounts.of(envelope.resources),
        hold=Hold.PAYLOAD if envelope.files else Hold.NONE,
    )
