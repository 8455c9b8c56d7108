"""Celery's event of a job that ended on request, for Flower and other listeners.

Workers send the events of running tasks. They do not know the end of a job that was stopped,
removed or expired; the one process that concludes it sends the event here.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from offload.core.states import JobState
from offload.db import database
from offload.fleet.snapshots import snapshot
from offload.messaging.installation import celery_app, current_installation
from offload.messaging.timeouts import within

if TYPE_CHECKING:
    from offload.models import Job

logger = logging.getLogger("offload.celery_events")

REVOKED_EVENT = "task-revoked"
#: The states that Celery shows as REVOKED.
REVOKED_STATES = frozenset({JobState.STOPPED, JobState.DROPPED, JobState.EXPIRED})
#: Seconds for the broker to accept an event.
EVENT_TIMEOUT_SECONDS = 1.0
#: The signal that kills the process of a job that is stopped by force.
KILL_SIGNAL = "SIGKILL"


def send_revoked(job: Job) -> None:
    """Send the event of a job's end after the surrounding transaction commits.

    Listeners do not know a job that no instance ever had, so it gets no event.
    """
    if job.epoch and JobState(job.state) in REVOKED_STATES and (instance := _place(job)):
        database.on_commit(partial(_try_to_send, job, instance))


def _place(job: Job) -> str:
    """Return the instance that the event names: the job's last, or else the leader.

    Listeners would take any other name for a worker without a heartbeat.
    """
    topology = snapshot().topology
    last = None if job.instance else job.ended_attempts.last()
    name = job.instance or (last.instance if last else "")
    if topology.instance(name):
        return name
    return topology.leader.name if topology.leader else ""


def _try_to_send(job: Job, instance: str) -> None:
    if current_installation.to_broker.is_open:
        return
    try:
        within(EVENT_TIMEOUT_SECONDS, partial(_send, instance, fields(job)))
    except Exception as error:
        # Every transport has errors of its own, and an event may get lost.
        current_installation.to_broker.trip()
        logger.warning("the event %s of job %s was not sent: %s", REVOKED_EVENT, job.pk, error)


def fields(job: Job) -> dict[str, Any]:
    """Return the event's facts about a job."""
    killed = job.stop_forced and job.attempts > 0 and job.state == JobState.STOPPED
    return {
        "uuid": job.pk,
        "terminated": killed,
        "signum": KILL_SIGNAL if killed else None,
        "expired": job.state == JobState.EXPIRED,
    }


def _send(instance: str, facts: dict[str, Any]) -> None:
    app = celery_app()
    events: Any = app.events
    dispatcher = events.Dispatcher(enabled=False, hostname=instance)
    with app.producer_pool.acquire(block=True, timeout=EVENT_TIMEOUT_SECONDS) as producer:
        dispatcher.publish(REVOKED_EVENT, facts, producer, retry=False)
