"""Decisions on ended attempts: by the job's policy, with jitter, and with more of what lacked."""

from __future__ import annotations

from dataclasses import replace
from random import random
from typing import TYPE_CHECKING, Any, Protocol

from offload.core.exceptions import InvalidRequirement
from offload.core.matching.escalation import (
    Escalated,
    Escalation,
    Shortage,
    at_least,
    raised,
)
from offload.core.matching.requirements import NOTHING, Requirements
from offload.core.placement.judgement import consumer_for
from offload.core.placement.lanes import Lane
from offload.core.retries import Cause, decide, shortage_of
from offload.fleet.snapshots import snapshot
from offload.jobs import ran
from offload.models import Attempt, Job
from offload.queues import own_retries
from offload.queues.own_retries import (
    ESCALATED_MOST,
    ESCALATED_OPTION,
    SHORTAGE_OPTION,
    escalated_in,
)
from offload.tracking.assignments import SAME_CALL, NewCall

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.outcomes import ErrorInfo
    from offload.core.retries import RetryDecision, RetryPolicy


class Counted(Protocol):
    """A job's counters, from its row or its claim."""

    @property
    def failures(self) -> int:
        """Return how many attempts failed before."""

    @property
    def crashes(self) -> int:
        """Return how many attempts crashed before."""


def decided(
    policy: RetryPolicy,
    job: Counted,
    cause: Cause,
    *,
    final: bool = False,
    error: ErrorInfo | None = None,
    delay: float | None = None,
) -> RetryDecision:
    """Decide on a job whose attempt ended by a cause (R6, R7).

    ``final`` says that a retry is pointless. ``delay`` is the wait in seconds that the error asks
    for.
    """
    return decide(
        policy,
        cause=cause,
        failures=job.failures,
        crashes=job.crashes,
        final=final,
        names=error.names if error else (),
        delay=delay,
        draw=random(),  # noqa: S311 - nothing secret
    )


def rejections(job_id: str) -> int:
    """Return how many attempts of a job rejected it."""
    return Attempt.objects.filter(job=job_id, cause=Cause.REJECTED).count()


class Tried(Protocol):
    """A job that an attempt was made of, from its row or its claim."""

    @property
    def topic(self) -> str:
        """Return its topic."""

    @property
    def queue(self) -> str:
        """Return the name of its queue."""

    @property
    def options(self) -> Mapping[str, Any]:
        """Return its frozen options."""

    @property
    def attempts(self) -> int:
        """Return the number of its attempts, the one that ended included."""


def after_failure(
    job_id: str, job: Tried, task: object, cause: Cause, error: ErrorInfo | None
) -> NewCall:
    """Return the call of the next attempt after a failure; ``task`` is the one that ran, if known.

    Nothing is read of the database unless something is to be raised.
    """
    return _after(job_id, job, task, shortage_of(cause, error.names if error else ()))


def after_kill(job: Job | None) -> NewCall:
    """Return the call of the next attempt of a job whose process was killed by SIGKILL.

    A clone has no next one here: it is noted, for the report by which its home decides.
    """
    if job is None:
        return SAME_CALL
    if job.is_clone and job.run_id is None:
        return NewCall(options={**job.options, SHORTAGE_OPTION: Shortage.OUT_OF_MEMORY.value})
    return _after(job.pk, job, ran.task_of(job), Shortage.OUT_OF_MEMORY)


def _after(job_id: str, job: Tried, task: object, shortage: Shortage | None) -> NewCall:
    if shortage is None:
        return SAME_CALL
    queue = snapshot().policy(job.queue)
    its = Escalation.of(getattr(task, "retry_with", {}))
    increases = queue.escalation.replaced(its).replaced(own_retries.escalation_of(job.options))
    if not increases.after(shortage):
        return SAME_CALL
    text = Job.objects.filter(pk=job_id).values_list("lane", flat=True).first()
    asked = [queue.requires, _required(task)]
    return _raise(Lane.parse(text or ""), asked, job, increases, shortage)


def _raise(
    lane: Lane, beside: Sequence[Requirements], job: Tried, all_: Escalation, shortage: Shortage
) -> NewCall:
    """Return the call with all that can be raised of what the lane and these ask for."""
    asked = lane.requires
    for one in beside:
        asked = asked.merged(one)
    own, done = lane.requires, list(escalated_in(job.options))
    for name, before, after in raised(asked, all_.after(shortage), _known(job.topic)):
        more = at_least(own, name, after) if after > before else own
        own, after = (own, before) if more is None else (more, after)
        done.append(
            Escalated(
                attempt=job.attempts, name=name, before=before, after=after, shortage=shortage
            )
        )
    if len(done) == len(escalated_in(job.options)):
        return SAME_CALL
    options = {**job.options, ESCALATED_OPTION: [one.as_dict() for one in done[-ESCALATED_MOST:]]}
    return NewCall(options=options, lane=replace(lane, requires=own), instead_of=lane)


def _required(task: object) -> Requirements:
    try:
        return Requirements.of(getattr(task, "requires", {}))
    except InvalidRequirement:
        return NOTHING


def _known(topic: str) -> list[Mapping[str, Any]]:
    """Return the properties of all known instances with a consumer for a topic, gone ones too."""
    everyone = snapshot().topology.everyone
    return [one.properties for one in everyone if consumer_for(one, topic) is not None]
