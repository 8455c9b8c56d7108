"""Publishing through Celery: messages for bound jobs, from the options frozen at submission."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from kombu import Exchange, Queue
from kombu.compression import compress
from kombu.serialization import dumps

from offload.conf import cluster_name
from offload.core.envelopes import HEADER, PROBE_HEADER, Envelope
from offload.core.texts import counted
from offload.messaging.installation import celery_app, current_installation
from offload.messaging.names import queue_name
from offload.messaging.timeouts import within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from celery import Celery

    from offload.models import Job
    from offload.tracking.binding.bindings import BoundJob
    from offload.tracking.drafts import Draft

logger = logging.getLogger("offload.publisher")

EXCHANGE = Exchange("offload", type="direct", durable=True)
#: Frozen options that go into a message; the others stay in the row.
FROZEN_OPTIONS = (
    "group_id", "group_index", "reply_to", "time_limit", "soft_time_limit", "shadow",
    "stamped_headers", "replaced_task_nesting", "argsrepr", "kwargsrepr",
)  # fmt: skip
#: Seconds for the broker to accept messages, and seconds more per message, so that a hanging broker
#: holds up neither a request nor an agent. A message accepted later is a duplicate, which is
#: harmless.
PUBLISH_TIMEOUT_SECONDS, SECONDS_PER_MESSAGE = 1.0, 0.02
NOT_SENT_YET = (
    "%s bound and not sent yet: %s. They are sent once the broker answers: start it; the "
    "embedded one is started by 'manage.py offload broker'"
)


def instance_queue(instance: str) -> Queue:
    """Return the queue of an instance of this cluster."""
    return _instance_queue(queue_name(instance, cluster_name()))


@lru_cache(maxsize=1024)
def _instance_queue(name: str) -> Queue:
    """Return the queue of that name; only here are its arguments given (B9).

    It is consumed without acknowledgements: the row does what they are for, and they cost the
    broker as much as the message. Moreover, kombu's reconnect fails over messages that were not
    acknowledged when their Redis went down.
    """
    return Queue(name, exchange=EXCHANGE, routing_key=name, durable=True, no_ack=True)


def publish(jobs: Sequence[tuple[BoundJob, str]]) -> dict[str, Exception]:
    """Send each bound job to its instance under this task name.

    Return the errors of jobs that can never be sent, by their ids. An unreachable broker raises
    nothing: the bound rows are sent again later. A job that cannot be encoded does not hold the
    others back.
    """
    if not jobs or current_installation.to_broker.is_open:
        return {}
    app = celery_app()
    try:
        return within(
            PUBLISH_TIMEOUT_SECONDS + SECONDS_PER_MESSAGE * len(jobs), lambda: _publish(app, jobs)
        )
    except Exception as error:
        # Every transport has errors of its own for an unreachable broker.
        current_installation.to_broker.trip()
        logger.warning(
            NOT_SENT_YET,
            counted(len(jobs), "job is", "jobs are"),
            (str(error) or repr(error)).rstrip("."),
        )
        return {}


def send_probe(instance: str, number: int) -> bool:
    """Send an instance a message of no job, to find out whether it arrives.

    Return whether the broker took it.
    """
    if current_installation.to_broker.is_open:
        return False
    app, queue = celery_app(), instance_queue(instance)
    try:
        within(PUBLISH_TIMEOUT_SECONDS, lambda: _send_probe(app, queue, number))
    except Exception as error:
        current_installation.to_broker.trip()
        logger.warning("no probe is sent to %s: %r", instance, error)
        return False
    return True


def _send_probe(app: Celery, queue: Queue, number: int) -> None:
    with app.producer_pool.acquire(block=True, timeout=1) as producer:
        producer.publish(
            "", exchange="", routing_key=queue.name, declare=[queue], retry=False,
            headers={PROBE_HEADER: number}, delivery_mode=1,
        )  # fmt: skip


def _publish(app: Celery, jobs: Sequence[tuple[BoundJob, str]]) -> dict[str, Exception]:
    unreadable = {}
    with ExitStack() as stack:
        producer: Any = stack.enter_context(app.producer_pool.acquire(block=True, timeout=1))
        if len(jobs) > 1:
            # One round trip for all of them, if the broker can.
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
    """Publish a job's message; Celery's signals were sent at submission."""
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
    """Return whether the job's message cannot be encoded for any broker."""
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
    """Return the options of the delivery, and the message's properties."""
    how = {key: options[key] for key in ("serializer", "compression") if options.get(key)}
    return {**(options.get("properties") or {}), **how}


def message(app: Celery, job: BoundJob, task: str) -> Any:
    """Return the message of a bound job, without its tail and with its envelope."""
    found = made(app, job, task, retries=job.failures)
    found.headers.update(job.options.get("headers") or {})
    found.headers[HEADER] = envelope(job).packed()
    return found


def envelope(job: BoundJob) -> Envelope:
    """Return the envelope of a bound job."""
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
    """Return Celery's message for a job, without the envelope.

    Raise TypeError if the job's row has no readable arguments.
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
