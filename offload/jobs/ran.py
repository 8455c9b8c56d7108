"""Which task ran a job, as far as this process knows, and what it says of its results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.placement.routing import consumer_for
from offload.fleet.snapshots import snapshot
from offload.messaging.installation import installed
from offload.messaging.names import BUILTIN_TASKS
from offload.models import Kind

if TYPE_CHECKING:
    from offload.core.placement.topology import Consumer
    from offload.models import Job


def task_of(job: Job) -> Any:
    """Return the task, or None where its code is not here."""
    app = installed()
    if app is None:
        return None
    consumer = None if job.task in BUILTIN_TASKS else _consumer(job)
    return app.tasks.get(consumer.task if consumer else job.task)


def is_silent(job: Job) -> bool:
    """Return whether Celery's backend is to say nothing: as the call says, else the task."""
    asked = job.options.get("ignore_result")
    if asked is not None or job.kind != Kind.JOB:
        return bool(asked)
    task, consumer = task_of(job), _consumer(job)
    return bool(task.ignore_result if task else consumer and consumer.is_silent)


def _consumer(job: Job) -> Consumer | None:
    """Return what its instance announced for the topic.

    A job that was handed over has no instance any more: then it is anybody's who has one.
    """
    seen = snapshot()
    mine = seen.topology.instance(job.instance)
    asked = seen.topology.instances if mine is None else (mine,)
    found = (consumer_for(instance, job.topic) for instance in asked)
    return next((one for one in found if one), None)
