"""The task that ran a job, as far as this process knows, and whether it keeps results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.envelopes import BUILTIN_TASKS
from offload.core.placement.routing import consumer_for
from offload.fleet.snapshots import snapshot
from offload.messaging.installation import installed
from offload.models import Kind

if TYPE_CHECKING:
    from offload.core.matching.consumers import Consumer
    from offload.models import Job


def task_of(job: Job) -> Any:
    """Return the task, or None if its code is not here."""
    app = installed()
    if app is None:
        return None
    consumer = None if job.task in BUILTIN_TASKS else _consumer(job)
    return app.tasks.get(consumer.task if consumer else job.task)


def is_silent(job: Job) -> bool:
    """Return whether Celery's backend keeps no result: the call decides, else the task."""
    asked = job.options.get("ignore_result")
    if asked is not None or job.kind != Kind.JOB:
        return bool(asked)
    task, consumer = task_of(job), _consumer(job)
    return bool(task.ignore_result if task else consumer and consumer.is_silent)


def _consumer(job: Job) -> Consumer | None:
    """Return the consumer that the job's instance announced for the topic.

    A handed-over job has no instance any more; then any instance's consumer will do.
    """
    current = snapshot()
    mine = current.topology.instance(job.instance)
    asked = current.topology.instances if mine is None else (mine,)
    found = (consumer_for(instance, job.topic) for instance in asked)
    return next((one for one in found if one), None)
