"""Celery's event of a job that ended by request, for Flower and whoever else listens.

Workers send the events of what runs. They know nothing of the end of a job that was stopped,
removed or too late: whoever concluded it, which one process does, tells of it here.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from offload.core.states import JobState
from offload.db import database
from offload.fleet.snapshots import snapshot
from offload.messaging.installation import celery_app
from offload.messaging.publisher import breaker
from offload.messaging.timeouts import within

if TYPE_CHECKING:
    from offload.models import Job

logger = logging.getLogger("offload.celery_events")

REVOKED_EVENT = "task-revoked"
#: What Celery calls REVOKED.
REVOKED_STATES = frozenset({JobState.STOPPED, JobState.DROPPED, JobState.EXPIRED})
#: Seconds that the broker has for it.
BROKER_TIMEOUT_SECONDS = 1.0
#: The signal by which the process of a job dies that is stopped by force.
KILL_SIGNAL = "SIGKILL"


def tell(job: Job) -> None:
    """Tell of the end of a job once the surrounding transaction is committed.

    Nobody who listens knows a job that no instance ever had, so nothing is told of it.
    """
    if job.epoch and JobState(job.state) in REVOKED_STATES and (instance := _place(job)):
        database.on_commit(partial(_tell, job, instance))


def _place(job: Job) -> str:
    """Return the instance in whose name it is told: where the job was, else who leads.

    A listener takes a name that is none for a worker without a heartbeat.
    """
    topology = snapshot().topology
    last = None if job.instance else job.ended_attempts.last()
    name = job.instance or (last.instance if last else "")
    if topology.instance(name):
        return name
    return topology.leader.name if topology.leader else ""


def _tell(job: Job, instance: str) -> None:
    if breaker.is_open:
        return
    try:
        within(BROKER_TIMEOUT_SECONDS, partial(_send, instance, fields(job)))
    except Exception as error:
        # Every transport has errors of its own, and an event is no promise.
        breaker.trip()
        logger.warning("the event %s of job %s was not sent: %s", REVOKED_EVENT, job.pk, error)


def fields(job: Job) -> dict[str, Any]:
    """Return what the event says of a job."""
    killed = job.stop_forced and job.attempts > 0 and job.state == JobState.STOPPED
    return {
        "uuid": job.pk,
        "terminated": killed,
        "signum": KILL_SIGNAL if killed else None,
        "expired": job.state == JobState.EXPIRED,
    }


def _send(instance: str, said: dict[str, Any]) -> None:
    app = celery_app()
    events: Any = app.events
    dispatcher = events.Dispatcher(enabled=False, hostname=instance)
    with app.producer_pool.acquire(block=True, timeout=BROKER_TIMEOUT_SECONDS) as producer:
        dispatcher.publish(REVOKED_EVENT, said, producer, retry=False)
