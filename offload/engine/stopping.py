"""Stopping jobs by request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.exceptions import UnknownJob
from offload.engine import aftermath
from offload.engine.tracking import ends
from offload.models import Job, database

if TYPE_CHECKING:
    from offload.core.states import JobState


def stop(job_id: str) -> JobState:
    """Ask a job to stop and return its state: a waiting one is STOPPED at once.

    A running one goes on until it looks at ``is_stopping``, ends, or dies; it is not begun
    again. Raise UnknownJob where there is none.
    """
    changes = ends.stop([job_id])
    if changes:
        database.on_commit(lambda: aftermath.conclude_all([job_id]))
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        raise UnknownJob(job_id=job_id)
    return job.job_state
