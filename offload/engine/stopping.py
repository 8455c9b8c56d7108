"""Stopping jobs by request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.exceptions import UnknownJob
from offload.engine import aftermath
from offload.engine.tracking import ends
from offload.models import Job, database

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.states import JobState


def stop(job_id: str, *, force: bool = False) -> JobState:
    """Ask a job to stop and return its state: a waiting one is STOPPED at once.

    A running one goes on until it looks at ``is_stopping``, ends, or dies; it is not begun
    again. ``force`` kills its process, where the instance's pool has one per job. Raise
    UnknownJob where there is none.
    """
    if not stop_jobs([job_id], force=force):
        raise UnknownJob(job_id=job_id)
    return Job.objects.get(pk=job_id).job_state


def stop_jobs(ids: Sequence[str], *, force: bool = False) -> set[str]:
    """Ask those of these ids that are jobs to stop; return which those are."""
    jobs = set(Job.objects.ids(ids).values_list("pk", flat=True))
    stopped = [change.job_id for change in ends.stop(sorted(jobs), force=force)]
    if stopped:
        database.on_commit(lambda: aftermath.conclude_all(stopped))
    return jobs
