"""Requests as Celery makes them of messages that were published."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from celery import Celery
from kombu.message import Message
from kombu.utils.json import dumps, loads

from offload.messaging import publisher
from offload.tracking.binding.bindings import BoundJob
from offload.worker.parent.request import JobRequest

if TYPE_CHECKING:
    from offload.core.envelopes import Key
    from offload.worker.parent.in_flight import InFlight

KEY: Key = ("one", 1)


def nothing() -> None:
    """Be a task."""


def request_class(held: InFlight) -> type[JobRequest]:
    """Return the class of the requests of a worker that holds this."""
    return type("Requested", (JobRequest,), {"in_flight": held})


def arrived(
    held: InFlight, *, stamps: dict[str, Any] | None = None, is_job: bool = True
) -> JobRequest:
    """Return the request of a message as it was published, stamps and all."""
    app = Celery("arrived", broker="memory://", set_as_current=False)
    app.task(name="a.task", shared=False)(nothing)
    options = {"stamped_headers": list(stamps), **stamps} if stamps else {}
    sent = publisher.message(app, bound(options), "a.task")
    headers = loads(dumps(sent.headers))
    if not is_job:
        del headers["offload"]
    facts: dict[str, Any] = {"content_type": "application/json", "content_encoding": "utf-8"}
    message = Message(
        body=dumps(sent.body), headers=headers, delivery_info={}, properties={}, **facts
    )
    return request_class(held)(message, app=app)


def bound(options: dict[str, Any]) -> BoundJob:
    """Return a job that was bound."""
    job_id, epoch = KEY
    return BoundJob(
        id=job_id, epoch=epoch, topic="a/b", task="a.task", args=("x",), properties={},
        options=options, priority=0, failures=0, parent_id="", root_id="", instance="w@host",
        incarnation="i", created_at=datetime.now(tz=UTC), queue="default",
    )  # fmt: skip
