"""Running a job of the history once more: as a new job, since final stays final."""

from __future__ import annotations

from typing import Any

from offload.core.exceptions import IllegalTransition, UnknownJob
from offload.engine.canvas import subscribing
from offload.engine.handles import JobHandle
from offload.engine.submission import new_id, store
from offload.engine.tracking.drafts import Draft
from offload.models import Job, Kind
from offload.models.conflicts import retried


@retried
def retry(job_id: str) -> JobHandle:
    """Submit a finished job's topic, properties and files again; return the new job.

    What followed the old one (callbacks, the rest of its chain) is not repeated. Raise
    UnknownJob where there is none, or where it is a plain Celery task, IllegalTransition for a
    job that has not ended.
    """
    job = Job.objects.filter(pk=job_id).first()
    if job is None or job.kind != Kind.JOB:
        raise UnknownJob(job_id=job_id)
    if not job.is_finished:
        raise IllegalTransition(job_id=job_id, old=job.state, new="PENDING")
    draft = Draft(
        id=new_id(),
        topic=job.topic,
        task=job.task,
        queue=job.queue,
        needs=job.needs,
        args=job.args,
        properties=job.properties,
        options=_options(job),
        priority=job.priority,
        run_id=job.run_id,
        payload_id=job.payload_id,
        retry_of=job.pk,
    )
    store([draft])
    return JobHandle(draft.id)


def _options(job: Job) -> dict[str, Any]:
    """Return what was frozen, but for where results go: to who retries it."""
    kept = {name: value for name, value in job.options.items() if name != "reply_to"}
    return kept if kept.get("ignore_result") else {**kept, **subscribing.reply_options()}
