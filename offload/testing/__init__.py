"""Running jobs in the process of a site's tests, without broker, worker or agent.

Binding, claiming and finishing use a worker's statements, and the task's code is the site's.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from unittest import mock
from uuid import uuid4

from celery.app.trace import trace_task
from celery.exceptions import NotRegistered
from django.db import transaction

from offload.core.envelopes import BUILTIN_TASKS
from offload.core.exceptions import InvalidNumber, StillBusy
from offload.core.validation.bounds import ROWS
from offload.db import database
from offload.files import delivering
from offload.fleet.snapshots import snapshot
from offload.jobs import losses
from offload.messaging.installation import celery_app
from offload.messaging.publisher import message
from offload.models import Job, Slot
from offload.models.indexes import TIMED
from offload.models.versions import current_version
from offload.operations.handles import JobHandle
from offload.runs import deciding
from offload.testing import files
from offload.tracking.binding.bindings import BoundJob, Place, bind
from offload.tracking.queries import waiting_lanes
from offload.worker.pool.guest import as_guest
from offload.worker.tasks.attempts import NotBegun
from offload.worker.tasks.declarations import task_of

if TYPE_CHECKING:
    from celery import Celery

    from offload.core.placement.lanes import Lane

__all__ = ["run_jobs"]

#: The instance that jobs run on.
INSTANCE_NAME = "tests@here"

files.keep_apart()


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__


def run_jobs(*, most: int = 1000) -> list[JobHandle]:
    """Run waiting jobs and their successors one by one; return the job of each attempt.

    Delays, also those of retries, rates and windows of time are skipped, and steps that wait for a
    time end. Jobs without a consumer here, or in a suspended queue, stay unchanged; plain Celery
    tasks are left to Celery. Outputs are delivered, as ``deliver_to`` says. Files of jobs are kept
    in a folder of the process, not in the site's storage.

    ``most`` is the largest number of attempts. Raise StillBusy if jobs are left after that many,
    InvalidNumber if ``most`` is not a number within its bound, and KeyboardInterrupt if an attempt
    is interrupted, which then has failed.
    """
    if most not in ROWS:
        raise InvalidNumber(name="most", value=most, allowed=str(ROWS))
    app = celery_app()
    _load(app)
    Slot.objects.get_or_create(instance=INSTANCE_NAME)
    ran: list[JobHandle] = []
    while len(ran) < most and (job := _bound(app) or _bound_later(app)):
        _run(app, job)
        ran.append(JobHandle(job.id))
    while delivering.deliver():
        pass
    if len(ran) == most and _is_any_left(app):
        raise StillBusy(attempts=most)
    return ran


def _load(app: Celery) -> None:
    """Import the site's tasks.

    Celery's system checks are skipped: the test runner has run them, and a test may be forbidden to
    query some databases.
    """
    with mock.patch.dict(os.environ, {"CELERY_SKIP_CHECKS": "1"}):
        app.loader.import_default_modules()


def _is_any_left(app: Celery) -> bool:
    """Return whether a job could run now; leave it unchanged."""
    with database.atomic():
        found = _bound(app)
        transaction.set_rollback(True, using=database.alias())
    return found is not None


def _bound(app: Celery) -> BoundJob | None:
    """Bind the next job that can run here."""
    Job.objects.filter(TIMED.q, hold="").update(run_at=None)
    place = Place(
        instance=INSTANCE_NAME, incarnation=str(uuid4()), window=1, version=current_version()
    )
    for lane in waiting_lanes():
        if _can_run(app, lane) and (found := bind(place, [lane], limit=1)):
            return found[0]
    return None


def _bound_later(app: Celery) -> BoundJob | None:
    """End steps that wait for a time, and bind what follows them."""
    return _bound(app) if deciding.reach_all() else None


def _can_run(app: Celery, lane: Lane) -> bool:
    try:
        task_of(app, "", lane.topic)
    except NotRegistered:
        return False
    return not snapshot(fresh=True).policy(lane.queue).suspended


def _run(app: Celery, job: BoundJob) -> None:
    """Run a job's message as a pool process does."""
    task = task_of(app, job.task if job.task in BUILTIN_TASKS else "", job.topic)
    sent = message(app, job, task.name)
    args, kwargs, embedded = sent.body
    facts = {"hostname": INSTANCE_NAME, "delivery_info": {}, "called_directly": False}
    request = {**sent.headers, **embedded, **facts}
    with as_guest():
        ended = trace_task(task, job.id, args, kwargs, request=request, app=app)
    error = getattr(ended.info, "retval", None)
    if isinstance(error, NotBegun):
        losses.ended(job.key, cause=error.cause, detail=error.detail)
