"""Plain Celery tasks of a canvas on their way to the broker, once their rows are committed."""

from __future__ import annotations

import logging
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from kombu.exceptions import KombuError

from offload.core.texts import place_of, told
from offload.messaging import publisher
from offload.messaging.installation import celery_app
from offload.messaging.publisher import breaker
from offload.messaging.timeouts import within
from offload.tracking import relays, terminations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from celery import Celery

    from offload.models import Job

logger = logging.getLogger("offload.canvas")

#: Relays that are claimed together: they are sent, or given up on, long before their claim ends.
CHUNK_RELAYS = 20
#: Seconds that a broker has to take a chunk, and that each relay adds.
BROKER_TIMEOUT_SECONDS, SECONDS_PER_RELAY = 1.0, 0.02
#: How often a relay may fail for a reason that is not the broker's before it ends with that (K2b).
TRIES_MAX = 3


@dataclass(slots=True, kw_only=True)
class Sending:
    """Relays that are being published, and what became of them so far."""

    jobs: Sequence[Job]
    #: When nobody waits for it any more, by the monotonic clock.
    deadline: float
    begun: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    #: Why they cannot be sent: never, and this time.
    unsendable: dict[str, Exception] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)

    def run(self, app: Celery) -> None:
        """Publish one after the other; raise what a broker that is out of reach raises."""
        for job in self.jobs:
            if monotonic() > self.deadline:
                return
            self.begun.append(job.pk)
            try:
                _publish(app, job)
            except Exception as error:
                self._judge(app, job, error)
            else:
                self.sent.append(job.pk)

    def _judge(self, app: Celery, job: Job, error: Exception) -> None:
        if publisher.is_unreadable(app, job, job.task):
            self.unsendable[job.pk] = error
        elif isinstance(error, KombuError | OSError):
            raise error
        else:
            self.failed[job.pk] = error

    def note(self) -> None:
        """Write down what became of them; those that were not begun are anybody's again."""
        relays.release([job.pk for job in self.jobs if job.pk not in self.begun])
        relays.mark_sent(self.sent)
        for job_id, error in list(self.unsendable.items()):
            _end(job_id, error)
        for job_id, error in list(self.failed.items()):
            if relays.mark_failed(job_id, f"{type(error).__name__}: {told(error)}") >= TRIES_MAX:
                _end(job_id, error)


def post(job_ids: Sequence[str]) -> int:
    """Publish those relays that nobody began to, as Celery would have; return how many.

    Never raises for a broker that is out of reach: the sweep posts what is left behind, so
    a task is published once or, if its note was lost, again under the same id.
    """
    count = 0
    for start in range(0, len(job_ids), CHUNK_RELAYS):
        if breaker.is_open:
            break
        count += _send(relays.claim(job_ids[start : start + CHUNK_RELAYS]))
    return count


def post_again(older_than: float, limit: int) -> int:
    """Publish relays that were left behind for so many seconds; return how many."""
    count = 0
    for _ in range(0, limit, CHUNK_RELAYS):
        if breaker.is_open:
            break
        jobs = relays.claim_left_behind(older_than, CHUNK_RELAYS)
        count += _send(jobs)
        if len(jobs) < CHUNK_RELAYS:
            break
    return count


def _send(jobs: Sequence[Job]) -> int:
    if not jobs:
        return 0
    app, limit = celery_app(), BROKER_TIMEOUT_SECONDS + SECONDS_PER_RELAY * len(jobs)
    sending = Sending(jobs=jobs, deadline=monotonic() + limit)
    try:
        # What listens to Celery's signals finds the caller's context: traces, above all.
        within(limit, partial(copy_context().run, sending.run, app))
    except Exception as error:
        breaker.trip()
        problem = str(error) or repr(error)
        logger.warning("%d plain tasks are stored and not sent yet: %s", len(jobs), problem)
    sending.note()
    return len(sending.sent)


def _publish(app: Celery, job: Job) -> None:
    options = {**job.options, "task_id": job.pk, "retry": False, "add_to_parent": False}
    stock = getattr(app.send_task, "stock", app.send_task)
    stock(job.task, job.args, job.properties, **options)


def _end(job_id: str, error: Exception) -> None:
    """End a relay that cannot be sent; what waits for it follows as after every end."""
    logger.error("task %s cannot be sent", job_id, exc_info=error)
    terminations.give_up(
        [job_id],
        state="ERROR",
        error_type=place_of(type(error)),
        error=f"it cannot be sent: {error!r}",
    )
