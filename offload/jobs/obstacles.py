"""Why a job cannot be stopped, removed or retried, as sentences with the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.models import Job, Kind

if TYPE_CHECKING:
    from offload.models.jobs import JobQuerySet

NO_JOB = (
    "There is no such job: the id is misspelled, its history was purged, or its transaction was "
    "rolled back. 'manage.py offload jobs' lists the existing ones."
)
#: The beginning of sentences about a plain Celery task of a canvas.
PLAIN_TASK = "It is a plain Celery task"


def to_stopping(job: Job) -> str:
    """Return why a job was not asked to stop."""
    return _ended(job) or "Its state has changed meanwhile; try again."


def to_removing(job: Job) -> str:
    """Return why a job was not removed."""
    if job.is_finished:
        return f"{_ended(job)} Its history is deleted at the end of its queue's retention."
    if job.kind == Kind.RELAY:
        return f"{PLAIN_TASK} that was sent; stop it instead."
    if job.peer is not None:
        return f"It waits or runs at {job.instance}, in another cluster; stop it instead."
    return f"It runs on {job.instance}; stop it instead."


def to_retrying(job: Job) -> str:
    """Return why a job was not retried."""
    if job.kind == Kind.RELAY:
        return f"{PLAIN_TASK}; call the task again."
    if job.is_clone:
        how = f"manage.py offload retry {job.pk}"
        return f"It is a clone: {job.home} owns the job and its retries. Retry it there: {how}"
    if not job.is_finished:
        return f"It has not ended, it is {job.state}; stop it first, or wait for its end."
    if later := _retries(job).first():
        how = f"manage.py offload retry {job.pk} --again"
        return f"It was retried as {later.pk}, which is {later.state}. To retry it again: {how}"
    return "Its state has changed meanwhile; try again."


def to_delivering(job: Job) -> str:
    """Return why no delivery of a job is tried again."""
    if not job.is_finished:
        return f"It has not ended, it is {job.state}; its outputs are delivered once it succeeded."
    return "None of its deliveries was tried in vain and given up."


def _ended(job: Job) -> str:
    return f"It has ended {job.state}." if job.is_finished else ""


def _retries(job: Job) -> JobQuerySet:
    return Job.objects.filter(retry_of=job.pk).newest_first()
