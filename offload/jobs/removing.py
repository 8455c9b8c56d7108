"""Removing jobs before their end: they are DROPPED and never run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.exceptions import NotRemovable, UnknownJob
from offload.core.validation.ids import JobId, id_of
from offload.db import database
from offload.db.conflicts import retried
from offload.jobs import aftermath, obstacles
from offload.models import Job
from offload.tracking import terminations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.states import JobState


def remove(job: JobId) -> JobState:
    """End a job that waits, or was handed over, as DROPPED; return its state.

    ``job`` is a handle, a UUID or an id as text. The job's successors end as after a stop. Raise
    UnknownJob if the job does not exist, NotRemovable if it runs or has ended, InvalidId if ``job``
    names no job.
    """
    job_id = Job.objects.key(id_of(job))
    changed = remove_all([job_id])
    row = Job.objects.filter(pk=job_id).first()
    if row is None:
        raise UnknownJob(job_id=job_id)
    if not changed:
        raise NotRemovable(job_id=job_id, state=row.state, problem=obstacles.to_removing(row))
    return row.job_state


@retried
def remove_all(ids: Sequence[str]) -> list[str]:
    """End the jobs among these that wait, or were handed over, as DROPPED; return their ids."""
    dropped = [change.job_id for change in terminations.drop(sorted(set(ids)))]
    if dropped:
        database.on_commit(lambda: aftermath.conclude_some(dropped))
    return dropped
