"""Stopping jobs, and runs, on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.canvas import plain_tasks
from offload.canvas.freezing.context import Origin
from offload.core.exceptions import UnknownJob
from offload.core.validation.ids import JobId, id_of
from offload.core.workflows.run_states import RunState
from offload.core.workflows.stamps import is_stamped, wanted_stamps
from offload.db import database
from offload.db.conflicts import retried
from offload.jobs import aftermath
from offload.models import Job, Kind
from offload.runs.advancing import advance
from offload.runs.locking import locked
from offload.tracking import relays, terminations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.states import JobState
    from offload.runs.locking import Locked

#: The option that names a call's stamps.
STAMPS_OPTION = "stamped_headers"


def stop(job: JobId, *, force: bool = False) -> JobState:
    """Ask a job to stop; return its state.

    ``job`` is a handle, a UUID or an id as text. A job that waits, or was handed over, is STOPPED
    at once. A running job continues until its consumer calls ``job.check_stop()``, ends, or dies;
    then it is not retried. ``force`` kills its process if the instance's pool has one per job.
    Raise UnknownJob if the job does not exist, InvalidId if ``job`` names no job.
    """
    job_id = Job.objects.key(id_of(job))
    stop_all([job_id], force=force)
    row = Job.objects.filter(pk=job_id).first()
    if row is None:
        raise UnknownJob(job_id=job_id)
    return row.job_state


def stop_all(ids: Sequence[str], *, force: bool = False) -> None:
    """Ask jobs to stop; revoke plain tasks of canvases that were sent, as Celery does."""
    stop_jobs(ids, force=force)
    sent = relays.sent(ids)
    if sent:
        database.on_commit(lambda: plain_tasks.revoke(sent, terminate=force))


def stop_stamped(stamps: Mapping[str, Any] | Sequence[str], *, force: bool = False) -> set[str]:
    """Ask all unfinished jobs that carry one of these stamps to stop; return their ids.

    Their successors carry the stamps of the canvas too, and end with them.
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
    """Ask the jobs with these ids to stop; return the ids that are jobs.

    A plain task of a canvas counts as a job until it is sent. After that, the caller has to stop it
    by Celery's own revoking.
    """
    known = Job.objects.ids(ids)
    jobs = set(known.exclude(kind=Kind.RELAY).values_list("pk", flat=True))
    stopped = [change.job_id for change in terminations.stop(sorted(set(ids)), force=force)]
    if stopped:
        database.on_commit(lambda: aftermath.conclude_some(stopped))
    return jobs | set(stopped)


def stop_run(run_id: str, *, force: bool = False) -> Locked | None:
    """Ask every step of a run to stop; return the run, or None if it has ended, or has no plan.

    Nothing begins in it any more. The caller holds the transaction. The steps' jobs come first, as
    in their own ends, then the run, then what began meanwhile.
    """
    stop_all(_unfinished(run_id), force=force)
    run = locked(run_id)
    if run is None or run.row.state != RunState.RUNNING:
        return None
    run.row.stop_requested = True
    run.row.save(update_fields=["stop_requested"])
    stop_all(_unfinished(run_id, asked=False), force=force)
    advance(run, run.plan, source_of(run))
    return run


def source_of(run: Locked) -> Origin:
    """Return the values that jobs inherit which begin by a change of their run."""
    row = run.row
    return Origin(run_id=row.pk, payload_id=row.payload_id, parent_id=row.parent_id)


def _unfinished(run_id: str, *, asked: bool = True) -> list[str]:
    jobs = Job.objects.filter(run=run_id).unfinished()
    jobs = jobs if asked else jobs.filter(stop_requested=False)
    return list(jobs.order_by("pk").values_list("pk", flat=True))
