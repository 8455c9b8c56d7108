"""Stopping jobs by request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.canvas import plain_tasks
from offload.core.exceptions import UnknownJob
from offload.core.stamps import is_stamped, wanted_stamps
from offload.core.validation.ids import JobId, id_of
from offload.db import database
from offload.db.conflicts import retried
from offload.jobs import aftermath
from offload.models import Job, Kind
from offload.tracking import relays, terminations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.states import JobState

#: The option that names a call's stamps.
STAMPS_OPTION = "stamped_headers"


def stop(job: JobId, *, force: bool = False) -> JobState:
    """Ask a job to stop and return its state: one that waits or was handed over is STOPPED at once.

    A running one goes on until its consumer calls ``job.check_stop()``, ends, or dies; it is
    not begun again. ``force`` kills its process, where the instance's pool has one per job. Raise
    UnknownJob where there is none.
    """
    job_id = Job.objects.key(id_of(job))
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


def stop_stamped(stamps: Mapping[str, Any] | Sequence[str], *, force: bool = False) -> set[str]:
    """Ask all jobs to stop that have not ended and carry one of these stamps; return their ids.

    What follows them carries the stamps of its canvas too, and ends with them.
    """
    wanted = wanted_stamps(stamps)
    stamped = Job.objects.unfinished().filter(options__contains=STAMPS_OPTION)
    found = stamped.only("pk", "options").iterator()
    ids = [job.pk for job in found if is_stamped(_stamps(job.options), wanted)]
    return stop_jobs(ids, force=force) if ids else set()


def _stamps(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: options.get(name) for name in options.get(STAMPS_OPTION) or ()}


@retried
def stop_jobs(ids: Sequence[str], *, force: bool = False) -> set[str]:
    """Ask those of these ids that are jobs to stop; return which those are.

    A plain task of a canvas counts as one until it is sent. After that it is not among them:
    Celery's own revoking stops it, which is left to the caller.
    """
    known = Job.objects.ids(ids)
    jobs = set(known.exclude(kind=Kind.RELAY).values_list("pk", flat=True))
    stopped = [change.job_id for change in terminations.stop(sorted(set(ids)), force=force)]
    if stopped:
        database.on_commit(lambda: aftermath.conclude_some(stopped))
    return jobs | set(stopped)
