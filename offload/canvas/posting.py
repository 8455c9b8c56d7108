"""Plain Celery tasks of a canvas on their way to the broker, once their rows are committed."""

from __future__ import annotations

import logging
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from kombu.exceptions import KombuError

from offload.canvas.freezing.options import STEP
from offload.core.texts import as_text, place_of
from offload.messaging import publisher
from offload.messaging.installation import celery_app, current_installation
from offload.messaging.timeouts import within
from offload.tracking import relays, terminations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from celery import Celery

    from offload.models import Job

logger = logging.getLogger("offload.canvas")

#: Relays that are claimed together: they are sent, or given up on, long before their claim ends.
CHUNK_RELAYS = 20
#: Seconds for the broker to take a chunk, and seconds more per relay.
POST_TIMEOUT_SECONDS, SECONDS_PER_RELAY = 1.0, 0.02
#: Failures, apart from the broker's, after which a relay ends with the error (K2b).
TRIES_MAX = 3


@dataclass(slots=True, kw_only=True)
class Sending:
    """Relays that are being published, and their outcomes so far."""

    jobs: Sequence[Job]
    #: The deadline on the monotonic clock.
    deadline: float
    begun: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    #: Errors of relays that can never be sent, and of those to try again.
    unsendable: dict[str, Exception] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)

    def run(self, app: Celery) -> None:
        """Publish one after the other; let the errors of an unreachable broker through."""
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
        """Record the outcomes; release the relays that were not begun."""
        relays.release([job.pk for job in self.jobs if job.pk not in self.begun])
        relays.mark_sent(self.sent)
        for job_id, error in list(self.unsendable.items()):
            _end(job_id, error)
        for job_id, error in list(self.failed.items()):
            if relays.mark_failed(job_id, f"{type(error).__name__}: {as_text(error)}") >= TRIES_MAX:
                _end(job_id, error)


def post(job_ids: Sequence[str]) -> int:
    """Publish those relays that nobody began to, as Celery would have; return how many.

    Never raises for a broker that is out of reach: the sweep posts what is left behind, so
    a task is published once or, if its note was lost, again under the same id.
    """
    count = 0
    for start in range(0, len(job_ids), CHUNK_RELAYS):
        if current_installation.to_broker.is_open:
            break
        count += _send(relays.claim(job_ids[start : start + CHUNK_RELAYS]))
    return count


def post_again(older_than: float, limit: int) -> int:
    """Publish relays that were left behind for that many seconds; return how many."""
    count = 0
    for _ in range(0, limit, CHUNK_RELAYS):
        if current_installation.to_broker.is_open:
            break
        jobs = relays.claim_left_behind(older_than, CHUNK_RELAYS)
        count += _send(jobs)
        if len(jobs) < CHUNK_RELAYS:
            break
    return count


def _send(jobs: Sequence[Job]) -> int:
    if not jobs:
        return 0
    app, limit = celery_app(), POST_TIMEOUT_SECONDS + SECONDS_PER_RELAY * len(jobs)
    sending = Sending(jobs=jobs, deadline=monotonic() + limit)
    try:
        # Receivers of Celery's signals find the caller's context, above all its trace.
        within(limit, partial(copy_context().run, sending.run, app))
    except Exception as error:
        current_installation.to_broker.trip()
        problem = str(error) or repr(error)
        logger.warning("%d plain tasks are stored and not sent yet: %s", len(jobs), problem)
    sending.note()
    return len(sending.sent)


def _publish(app: Celery, job: Job) -> None:
    given = {name: value for name, value in job.options.items() if name != STEP}
    options = {**given, "task_id": job.pk, "retry": False, "add_to_parent": False}
    stock = getattr(app.send_task, "stock", app.send_task)
    stock(job.task, job.args, job.properties, **options)


def _end(job_id: str, error: Exception) -> None:
    """End a relay that cannot be sent; its successors follow as after every end."""
    logger.error("task %s cannot be sent", job_id, exc_info=error)
    terminations.give_up(
        [job_id],
        state="ERROR",
        error_type=place_of(type(error)),
        error=f"it cannot be sent: {error!r}",
    )
