"""Explanations: why a job waits, and why each instance can or cannot run a topic."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.timezone import localtime

from offload.core.admission.admission import admit
from offload.core.admission.gates import UNUSED
from offload.core.admission.suggestions import suggest as suggest_
from offload.core.envelopes import ERRBACK_TASK
from offload.core.exceptions import UnknownJob
from offload.core.nearness import nearest_topic
from offload.core.placement import routing
from offload.core.placement.lanes import Lane
from offload.core.placement.reasons import Obstacle
from offload.core.placement.routing import Need, route
from offload.core.states import FAILED, Hold, JobState, Waiting
from offload.core.texts import with_type
from offload.core.topics import validate_topic
from offload.core.validation.ids import Identified, id_of
from offload.fleet.consumers import is_loaded
from offload.fleet.snapshots import Snapshot, now, snapshot
from offload.models import Exclusion, Job, Kind
from offload.queues.own_retries import escalated_in
from offload.reading.cluster import instance_rows
from offload.reading.cluster.counts import count
from offload.reading.transfers import arriving, away
from offload.reading.waiting import (
    asked,
    bound_jobs,
    homes,
    key_gates,
    outlooks,
    placed,
    preferred,
    resource_gates,
    rules_there,
    verdicts,
)
from offload.reading.waiting.explanation import Explanation
from offload.reading.waiting.where_it_ran import where_it_ran
from offload.tracking.binding.queue_limits import counted_use, head_of
from offload.tracking.queries import loads_by_instance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from offload.reading.cluster.instance_rows import Line


#: Sentences at most on what was raised: the last ones.
RAISED_SHOWN = 2


def explain(subject: str | Identified | UUID, *, suggest: bool = False) -> Explanation:
    """Say which instances can and may run a topic now, and why the others do not.

    ``subject`` is a topic. It may also be a job, as a handle or a UUID; then say where that job is,
    or why it waits. The suggestion is the least change that would place it; with ``suggest``, the
    one that would place all waiting jobs of the topic. Raise InvalidTopic if the text is no topic,
    UnknownJob if the job does not exist.
    """
    if isinstance(subject, Identified | UUID):
        job = _row(Job.objects.key(id_of(subject)))
        return explain_job(job, jobs=_waiting(job.topic) if suggest else 1)
    return _explain_topic(subject, jobs=_waiting(validate_topic(subject)) if suggest else 1)


def _waiting(topic: str) -> int:
    """Return how many jobs of a topic wait for an instance, at least one."""
    return max(1, count().due(topic))


def _row(job_id: str) -> Job:
    found = Job.objects.filter(pk=job_id).first()
    if found is None:
        raise UnknownJob(job_id=job_id)
    return found


def _explain_topic(topic: str, *, jobs: int) -> Explanation:
    current = snapshot(fresh=True)
    policy = current.policy_for(validate_topic(topic))
    need = current.need(Lane(topic=topic, queue=policy.name))
    found = _decide(need, policy.name, current, instance_rows.read(), jobs=jobs)
    unknown = found.infeasible and not is_loaded(topic)
    near = nearest_topic(topic, _known(current)) if unknown else ""
    more = f"Did you mean {near}?" if near else asked.sentence(topic, found.verdicts)
    return replace(found, sentence=f"{found.sentence} {more}") if more else found


def _known(current: Snapshot) -> list[str]:
    consumed = {
        one.pattern.text for instance in current.topology.present for one in instance.consumers
    }
    return sorted(consumed | count().topics)


def explain_job(job: Job, *, jobs: int = 1) -> Explanation:
    """Say where a job is, or why it waits, with a verdict per instance on this job.

    ``jobs`` is how many of its topic the suggestion is to place.
    """
    current, lines = snapshot(fresh=True), instance_rows.read()
    refused = Exclusion.objects.filter(job=job, until__gt=now())
    excluded = frozenset(refused.values_list("incarnation", flat=True))
    errback = job.task == ERRBACK_TASK
    need = replace(current.need(Lane.parse(job.lane)), excluded=excluded, errback=errback)
    found = placed.explained(job, _decide(need, job.queue, current, lines, job, jobs=jobs))
    waiting = why_waiting(job, found) or _behind(job, current)
    silence = "" if job.is_finished else verdicts.silence(job.instance, lines.get(job.instance))
    open_ = "" if job.is_finished else asked.sentence(job.topic, found.verdicts)
    raised = escalated_in(job.options)
    more = "" if job.is_finished else " ".join(one.sentence for one in raised[-RAISED_SHOWN:])
    ran = where_it_ran(job)
    travelled = (homes.sentence(job), away(job))
    said = (_sentence(job, waiting, found), ran, more, *travelled, silence, open_)
    return Explanation(
        topic=job.topic,
        queue=job.queue,
        instance=job.instance or (None if job.is_handed_over else found.instance),
        waiting=waiting,
        sentence=" ".join(filter(None, said)),
        verdicts=found.verdicts,
        requires=found.requires,
        prefers=found.prefers,
        raised=raised,
        where_it_ran=ran,
        hint=found.hint,
        next_step=_next_step(job, waiting, found, silence),
        gates=found.gates if job.state == JobState.PENDING else (),
        suggestion=found.suggestion if waiting and waiting is found.waiting else None,
        key=job.key,
    )


def _next_step(job: Job, waiting: Waiting | None, found: Explanation, silence: str) -> str:
    if silence:
        return verdicts.STEPS[Obstacle.SUSPECT].format(name=job.instance)
    if job.job_state in FAILED and job.is_clone:
        return f"To run it once more, at {job.home}: manage.py offload retry {job.pk}"
    if job.job_state in FAILED:
        return f"To run it once more: manage.py offload retry {job.pk}"
    if waiting is Waiting.DRAINED:
        return f"To resume it: manage.py offload queues resume {job.queue}"
    return found.next_step if waiting is not None and waiting is found.waiting else ""


def why_waiting(job: Job, found: Explanation) -> Waiting | None:
    """Return why a PENDING job waits; None for a job in another state."""
    if job.state != JobState.PENDING:
        return None
    if job.hold in {Hold.DEPENDENCY, Hold.REPLACED}:
        return Waiting.DEPENDENCY
    if job.hold == Hold.PAYLOAD:
        return Waiting.PAYLOAD
    if job.hold == Hold.DRAIN:
        return Waiting.DRAINED
    if job.run_at is not None and job.run_at > now():
        return Waiting.RETRY_DELAY if job.failures else Waiting.NOT_DUE
    return found.waiting


def _behind(job: Job, current: Snapshot) -> Waiting | None:
    """Return QUEUE_LIMIT if the job is not the head of its ordered queue, else None."""
    if (
        job.state != JobState.PENDING
        or not admit(current.policy(job.queue), UNUSED, now()).in_order
    ):
        return None
    return None if head_of(job.queue) == job.pk else Waiting.QUEUE_LIMIT


def _sentence(job: Job, waiting: Waiting | None, found: Explanation) -> str:
    if job.is_finished:
        ran = f" on {job.instance}" if job.instance else ""
        error = with_type(job.error_type, job.error)
        return f"It ended {job.state}{ran}" + (f": {error}" if error else ".")
    if job.is_handed_over:
        return f"It was handed over until {_moment(job.handed_until)}, attempt {job.attempts}."
    if job.state == JobState.ACTIVE:
        return f"It runs on {job.instance}, attempt {job.attempts}."
    if job.state == JobState.QUEUED:
        return bound_jobs.sentence(job)
    if job.kind == Kind.RELAY:
        return "It is a plain Celery task: sent after its transaction, and run by Celery."
    if waiting is Waiting.PAYLOAD:
        return f"{waiting.sentence.rstrip('.')}: {arriving(job)}."
    if waiting in {Waiting.NOT_DUE, Waiting.RETRY_DELAY}:
        return f"{waiting.sentence} It is due at {_moment(job.run_at)}."
    return found.sentence if waiting is found.waiting or waiting is None else waiting.sentence


def _moment(moment: datetime | None) -> str:
    return f"{localtime(moment):%Y-%m-%d %H:%M:%S}"


def _decide(
    need: Need,
    queue: str,
    current: Snapshot,
    lines: Mapping[str, Line],
    job: Job | None = None,
    *,
    jobs: int,
) -> Explanation:
    # Places are kept free for a job that takes several, whatever is bound there now.
    load = {} if need.slots else loads_by_instance()
    order = current.policy(queue).cluster_order
    found = route(need, current.topology, load, now=now(), order=order)
    judged = verdicts.judged(routing.verdicts(need, current.topology, load, now()), lines)
    judged = rules_there.noted(judged, need.topic, current.topology)
    judged = preferred.scored(judged, need.prefers, current.topology)
    hint = preferred.hint(need.prefers, current.topology)
    allowance = key_gates.added(counted_use(current.policy(queue), now()), job, current)
    lane = Lane.parse(job.lane) if job else Lane(topic=need.topic, queue=queue)
    allowance = resource_gates.added(allowance, need, lane, current)
    outlook = outlooks.outlook(found, judged, current, allowance, lines)
    against = rules_there.sentence(outlook.instance, judged)
    said = (outlook.sentence, against, preferred.sentence(judged, need.prefers), hint)
    return Explanation(
        topic=need.topic,
        queue=queue,
        instance=outlook.instance,
        waiting=outlook.waiting,
        sentence=" ".join(filter(None, said)),
        verdicts=judged,
        requires=need.requires,
        prefers=need.prefers,
        hint=hint,
        next_step=outlook.next_step,
        gates=allowance.gates,
        suggestion=suggest_(need, current.topology, now(), allowance.gates, jobs),
    )
