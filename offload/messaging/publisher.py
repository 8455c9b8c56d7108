"""Celery's sending side: messages for bound jobs, made from what was frozen at submit."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from kombu import Exchange, Queue
from kombu.compression import compress
from kombu.serialization import dumps

from offload.core.envelopes import HEADER, Envelope
from offload.core.texts import counted
from offload.messaging.installation import celery_app
from offload.messaging.names import queue_name
from offload.messaging.timeouts import within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from celery import Celery

    from offload.models import Job
    from offload.tracking.bindings import BoundJob
    from offload.tracking.drafts import Draft

logger = logging.getLogger("offload.publisher")

EXCHANGE = Exchange("offload", type="direct", durable=True)
#: What goes into a message as it was frozen; the rest of the options stays with the row.
FROZEN_OPTIONS = (
    "group_id", "group_index", "reply_to", "time_limit", "soft_time_limit", "shadow",
    "stamped_headers", "replaced_task_nesting", "argsrepr", "kwargsrepr",
)  # fmt: skip
#: Seconds for which nothing is published after the broker could not be reached.
UNREACHABLE_PAUSE_SECONDS = 2.0
#: Seconds that a broker has to take messages, and that each of them adds: one that stands still
#: keeps neither a request nor an agent. What it takes later is a duplicate, and harmless.
BROKER_TIMEOUT_SECONDS, SECONDS_PER_MESSAGE = 1.0, 0.02
NOT_SENT_YET = (
    "%s bound and not sent yet: %s. They are sent once the broker answers: start it; the "
    "embedded one is started by 'manage.py offload broker'"
)


@dataclass(slots=True)
class Breaker:
    """Remembers that the broker was out of reach, so that not every caller waits for it."""

    closed_at: float = 0.0

    @property
    def is_open(self) -> bool:
        """Return whether publishing is worth no try at this moment."""
        return monotonic() < self.closed_at

    def trip(self) -> None:
        """Try nothing for a while."""
        self.closed_at = monotonic() + UNREACHABLE_PAUSE_SECONDS


breaker = Breaker()


@lru_cache(maxsize=1024)
def instance_queue(instance: str) -> Queue:
    """Return the queue of an instance: the one place where its arguments stand (B9).

    It is consumed without acknowledgements: the row survives what they are for, and they cost
    the broker as much as the message. Nor does a reconnect fail over messages that were still
    to be acknowledged when their Redis went, as kombu's does.
    """
    name = queue_name(instance)
    return Queue(name, exchange=EXCHANGE, routing_key=name, durable=True, no_ack=True)


def publish(jobs: Sequence[tuple[BoundJob, str]]) -> dict[str, Exception]:
    """Send each bound job to its instance under this task name.

    Return why some of them can never be sent, by their ids. Never raises for a broker that is
    out of reach: the bound rows say what is to be sent again. A job that cannot be encoded
    does not keep the others back.
    """
    if not jobs or breaker.is_open:
        return {}
    app = celery_app()
    try:
        return within(
            BROKER_TIMEOUT_SECONDS + SECONDS_PER_MESSAGE * len(jobs), lambda: _publish(app, jobs)
        )
    except Exception as error:
        # Every transport has errors of its own for a broker that is out of reach.
        breaker.trip()
        logger.warning(
            NOT_SENT_YET,
            counted(len(jobs), "job is", "jobs are"),
            (str(error) or repr(error)).rstrip("."),
        )
        return {}


def _publish(app: Celery, jobs: Sequence[tuple[BoundJob, str]]) -> dict[str, Exception]:
    unreadable = {}
    with ExitStack() as stack:
        producer: Any = stack.enter_context(app.producer_pool.acquire(block=True, timeout=1))
        if len(jobs) > 1:
            # One round trip for all, where the broker can do that.
            stack.enter_context(producer.batch())
        for job, task in jobs:
            try:
                _send(app, producer, job, task)
            except Exception as error:
                if not is_unreadable(app, job, task):
                    raise
                unreadable[job.id] = error
    return unreadable


def _send(app: Celery, producer: Any, job: BoundJob, task: str) -> None:
    """Publish a job's message; Celery's signals of that were sent where it was submitted."""
    sent, queue = message(app, job, task), instance_queue(job.instance)
    how = {"serializer": app.conf.task_serializer, "compression": app.conf.task_compression}
    producer.publish(
        sent.body, exchange="", routing_key=queue.name, declare=[queue], retry=False,
        delivery_mode=queue.exchange.delivery_mode or app.conf.task_default_delivery_mode,
        headers=sent.headers, **{**sent.properties, **how, **delivery(job.options)},
    )  # fmt: skip
    if sent.sent_event:
        event = {**sent.sent_event, "queue": queue.name, "exchange": "", "routing_key": queue.name}
        amqp: Any = app.amqp
        amqp._event_dispatcher.publish("task-sent", event, producer, retry=False)


def is_unreadable(app: Celery, job: BoundJob | Job, task: str) -> bool:
    """Return whether no broker could be given the job's message."""
    try:
        how = delivery(job.options)
        body = made(app, job, task).body
        *_, data = dumps(body, serializer=how.get("serializer") or app.conf.task_serializer)
        if method := how.get("compression") or app.conf.task_compression:
            compress(data, method)
    except Exception:
        return True
    return False


def delivery(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that shape the delivery, and the message's properties."""
    how = {key: options[key] for key in ("serializer", "compression") if options.get(key)}
    return {**(options.get("properties") or {}), **how}


def message(app: Celery, job: BoundJob, task: str) -> Any:
    """Return the message of a bound job: stripped of its tail, in our envelope."""
    found = made(app, job, task, retries=job.failures)
    found.headers.update(job.options.get("headers") or {})
    found.headers[HEADER] = envelope(job).packed()
    return found


def envelope(job: BoundJob) -> Envelope:
    """Return what the message of a bound job says of it."""
    return Envelope(
        job_id=job.id,
        epoch=job.epoch,
        topic=job.topic,
        instance=job.instance,
        incarnation=job.incarnation,
        is_silent=job.options.get("ignore_result"),
        is_limited=job.is_limited,
    )


def made(app: Celery, job: BoundJob | Draft | Job, task: str, *, retries: int = 0) -> Any:
    """Return what Celery makes of a job, without a header of ours.

    Raise TypeError for a job whose row holds no arguments that can be read.
    """
    if isinstance(job.args, str):
        raise TypeError(f"the arguments of job {job.id} cannot be read")
    options = job.options
    frozen = {key: options[key] for key in FROZEN_OPTIONS if options.get(key) is not None}
    stamps = {key: options[key] for key in options.get("stamped_headers") or () if key in options}
    return app.amqp.as_task_v2(
        job.id,
        task,
        tuple(job.args),
        cast("dict[str, Any]", job.properties),
        retries=retries,
        root_id=job.root_id or None,
        parent_id=job.parent_id or None,
        ignore_result=True,
        create_sent_event=app.conf.task_send_sent_event,
        **frozen,
        **stamps,
    )
