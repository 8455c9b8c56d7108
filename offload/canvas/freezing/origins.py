"""Values that a row inherits from the row it follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.context import Origin, running
from offload.models import Job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from celery import Celery


def of_row(job_id: str) -> Origin:
    """Return the values that a row's successors inherit; only the parent if there is no row."""
    job = Job.objects.filter(pk=job_id).first()
    return of_job(job) if job else Origin(parent_id=job_id, root_id=job_id)


def of_job(job: Job) -> Origin:
    """Return the values that a job's successors inherit."""
    return Origin(
        run_id=job.run_id,
        payload_id=job.payload_id,
        parent_id=job.pk,
        root_id=job.root_id or job.pk,
    )


def relayed(options: Mapping[str, Any]) -> Origin | None:
    """Return the values that a plain Celery task hands on to the next step of its chain."""
    parent = options.get("parent_id")
    row = Job.objects.filter(pk=parent).first() if parent else None
    return Origin(run_id=row.run_id, payload_id=row.payload_id) if row else None


def submitter(app: Celery) -> Origin:
    """Return the job or plain task that runs here as the parent; its run is not inherited."""
    job = running.get()
    if job is not None:
        return Origin(parent_id=job.id, root_id=job.root_id or job.id)
    task: Any = app.current_worker_task
    if task is None or not task.request.id:
        return Origin()
    return Origin(parent_id=task.request.id, root_id=task.request.root_id or task.request.id)


def submitters_priority(app: Celery) -> int | None:
    """Return the priority of the job or plain task that runs here, as given to Celery."""
    job = running.get()
    if job is not None:
        return job.priority
    task: Any = app.current_worker_task
    return (task.request.delivery_info or {}).get("priority") if task else None
