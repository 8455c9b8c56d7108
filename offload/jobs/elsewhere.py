"""Ends of jobs that a peer ran for this cluster, which decides what they mean (P4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.conf import settings
from offload.core.attempt_key import AttemptKey
from offload.core.retries import Cause, RetryDecision, least_pause
from offload.core.states import JobState
from offload.db import database
from offload.fleet.giving_back import give_back
from offload.jobs import decisions, losses, ran
from offload.jobs.decisions import decided
from offload.jobs.losses import policy_of
from offload.models import Job
from offload.results import result_backend, task_results
from offload.tracking import async_completion, finishing, logs, requeue, selectors
from offload.tracking.assignments import SAME_CALL
from offload.tracking.peers import elsewhere
from offload.tracking.peers.elsewhere import ELSEWHERE

if TYPE_CHECKING:
    from offload.core.envelopes import Key
    from offload.core.job_log import JobLog
    from offload.core.outcomes import ErrorInfo
    from offload.core.progress import Progress
    from offload.signals import StateChange
    from offload.tracking.assignments import NewCall


def began(job: Job, *, instance: str, incarnation: str) -> None:
    """Note that the peer has begun a job, with Celery's STARTED where a finish is a row here."""
    if not elsewhere.begin((job.pk, job.epoch), instance=instance, incarnation=incarnation):
        return
    is_shown = task_results.tracks_started() and task_results.in_transaction()
    if is_shown and not ran.is_silent(job):
        task_results.write(result_backend.of_job(Job.objects.get(pk=job.pk)))


def progressed(binding: Key, progress: Progress) -> None:
    """Show how far a run at a peer is."""
    finishing.report(_key(binding), progress)


def logged(binding: Key, log: JobLog) -> None:
    """Keep what a run at a peer has logged, as far as this site keeps logs."""
    if most := settings().log_lines:
        logs.write(_key(binding), log.last(most))


def succeeded(binding: Key, value: Any) -> None:
    """End a job with the value that its run at a peer returned."""
    async_completion.succeed(_key(binding), value)
    losses.conclude(_key(binding))


def failed(job: Job, cause: Cause, error: ErrorInfo, *, final: bool) -> None:
    """End a failed attempt at a peer: retry it by the job's own policy, or give it up."""
    decision = decided(policy_of(job), job, cause, final=final, error=error)
    call = losses.raised(job, cause, error)
    losses.end(_key((job.pk, job.epoch)), decision, error, cause, call=call)


def put_back(job: Job, *, delay: float, failures: int, call: NewCall) -> None:
    """Put a job back as its run at a peer asked, with new arguments if it gave any."""
    decision = RetryDecision(
        state=JobState.PENDING,
        delay=max(delay, least_pause(max(1, failures))),
        failures=failures,
        crashes=job.crashes,
        reason="the task asked to be retried",
    )
    key = _key((job.pk, job.epoch))
    with database.atomic():
        state = finishing.requeue(
            key, decision, None, cause=Cause.REQUEUED, call=call, for_the_dead=True
        )
        task_results.mark_retry([job.pk] if state is JobState.PENDING else [])
    losses.conclude(key)


def lost(job: Job, error: str, *, killed: bool = False) -> None:
    """End an attempt whose process, or whose instance, is gone at a peer.

    ``killed`` says that it was by SIGKILL, as the kernel does where memory is wanting.
    """
    attempt = selectors.attempt(_key((job.pk, job.epoch)))
    call = decisions.after_kill(job) if killed else SAME_CALL
    _conclude(give_back(attempt, cause=Cause.LOST, error=error, crash=True, call=call))


def came_back(binding: Key, cause: Cause, error: str = "") -> None:
    """Take back a binding that came to nothing at a peer, which counts as nothing."""
    _conclude(give_back(selectors.one(binding), cause=cause, error=error))


def refused(binding: Key, reason: str) -> None:
    """Take back a binding that a peer refused; that instance is not asked again at once."""
    if requeue.refuse(binding, reason=reason) is None:
        came_back(binding, Cause.REFUSED, reason)
    losses.conclude(_key(binding))


def _key(binding: Key) -> AttemptKey:
    job_id, epoch = binding
    return AttemptKey(job_id=job_id, epoch=epoch, token=ELSEWHERE)


def _conclude(changes: list[StateChange]) -> None:
    for one in changes:
        losses.conclude(_key((one.job_id, one.epoch)))
