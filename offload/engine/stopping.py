"""Stopping jobs by request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.exceptions import UnknownJob
from offload.core.ids import JobId, id_of
from offload.engine import aftermath
from offload.engine.canvas import plain_tasks
from offload.engine.tracking import ends, relays
from offload.models import Job, Kind, database
from offload.models.conflicts import retried

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.states import JobState


def stop(job: JobId, *, force: bool = False) -> JobState:
    """Ask a job to stop and return its state: one that waits or was handed over is STOPPED at once.

    A running one goes on until its consumer calls ``job.check_stop()``, ends, or dies; it is
    not begun again. ``force`` kills its process, where the instance's pool has one per job. Raise
    UnknownJob where there is none.
    """
    job_id = id_of(job)
    stop_all([job_id], force=force)
    row = Job.objects.filter(pk=job_id).first()
    if row is None:
        raise UnknownJob(job_id=job_id)
    return row.job_state


def stop_all(ids: Sequence[str], *, force: bool = False) -> None:
    """Ask jobs to stop; plain tasks of canvases that were sent are revoked as Celery does."""
    stop_jobs(ids, force=force)
    sent = relays.sent(ids)
    if sent:
        database.on_commit(lambda: plain_tasks.revoke(sent, terminate=force))


@retried
def stop_jobs(ids: Sequence[str], *, force: bool = False) -> set[str]:
    """Ask those of these ids that are jobs to stop; return which those are.

    A plain task of a canvas counts as one until it is sent. After that it is not among them:
    Celery's own revoking stops it, which is left to the caller.
    """
    known = Job.objects.ids(ids)
    jobs = set(known.exclude(kind=Kind.RELAY).values_list("pk", flat=True))
    stopped = [change.job_id for change in ends.stop(sorted(set(ids)), force=force)]
    if stopped:
        database.on_commit(lambda: aftermath.conclude_some(stopped))
    return jobs | set(stopped)
