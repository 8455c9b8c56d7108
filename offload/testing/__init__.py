"""Running jobs in the process of a site's tests: without broker, worker and agent.

The statements that bind, claim and finish are those of a worker, and so is the task's code.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from unittest import mock
from uuid import uuid4

from celery.app.trace import trace_task
from celery.exceptions import NotRegistered
from django.db import transaction

from offload.core.exceptions import InvalidNumber, StillBusy
from offload.core.placement.admission import UNUSED, admit
from offload.core.validation.bounds import ROWS
from offload.db import database
from offload.fleet.snapshots import now, snapshot
from offload.jobs import losses
from offload.messaging.installation import celery_app
from offload.messaging.names import BUILTIN_TASKS
from offload.messaging.publisher import message
from offload.models import Job, Slot
from offload.models.versions import current_version
from offload.operations.handles import JobHandle
from offload.testing import files
from offload.tracking.bindings import BoundJob, Place, bind
from offload.tracking.queries import waiting_lanes
from offload.worker.pool.guest import as_guest
from offload.worker.tasks.attempts import NotBegun
from offload.worker.tasks.builtin_tasks import task_of

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
    """Run what waits and what follows it, one after another; return the job of each attempt.

    Delays are over at once, those of retries too. What has no consumer here, or a suspended
    queue, stays as it is, and plain Celery tasks are left to Celery. Files of jobs lie in a
    folder of the process, not in the site's. Raise StillBusy after
    ``most`` attempts, InvalidNumber where that is none, KeyboardInterrupt where one is
    interrupted: it has failed then.
    """
    if most not in ROWS:
        raise InvalidNumber(name="most", value=most, allowed=str(ROWS))
    app = celery_app()
    _load(app)
    Slot.objects.get_or_create(instance=INSTANCE_NAME)
    ran: list[JobHandle] = []
    while len(ran) < most and (job := _bound(app)):
        _run(app, job)
        ran.append(JobHandle(job.id))
    if len(ran) == most and _is_any_left(app):
        raise StillBusy(attempts=most)
    return ran


def _load(app: Celery) -> None:
    """Import the site's tasks.

    Without the system checks that Celery runs with it: the test runner has run them, and a test
    may not be allowed to ask every database.
    """
    with mock.patch.dict(os.environ, {"CELERY_SKIP_CHECKS": "1"}):
        app.loader.import_default_modules()


def _is_any_left(app: Celery) -> bool:
    """Return whether a job could run now; it is left as it is."""
    with database.atomic():
        found = _bound(app)
        transaction.set_rollback(True, using=database.alias())
    return found is not None


def _bound(app: Celery) -> BoundJob | None:
    """Bind the next job that can run here."""
    Job.objects.filter(state="PENDING", hold="", run_at__isnull=False).update(run_at=None)
    place = Place(
        instance=INSTANCE_NAME, incarnation=str(uuid4()), window=1, version=current_version()
    )
    for lane in waiting_lanes():
        if _can_run(app, lane) and (found := bind(place, [lane], limit=1)):
            return found[0]
    return None


def _can_run(app: Celery, lane: Lane) -> bool:
    try:
        task_of(app, "", lane.topic)
    except NotRegistered:
        return False
    return admit(snapshot(fresh=True).policy(lane.queue), UNUSED, now()).is_open


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
        losses.ended(job.id, job.epoch, cause=error.cause, told=error.told)
