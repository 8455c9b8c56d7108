"""What Celery's own client revoked, met by a job's request: the database is told to stop it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from celery.worker import state
from kombu.message import Message
from kombu.utils.json import dumps, loads

from offload.messaging import publisher
from offload.tracking.bindings import BoundJob
from offload.worker.parent import request as requests
from offload.worker.parent.in_flight import InFlight
from offload.worker.parent.request import JobRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = ("one", 1)
#: As a client's command writes them: a value or several.
STAMPS: dict[str, Any] = state.revoked_stamps


@pytest.fixture
def in_flight(monkeypatch: pytest.MonkeyPatch) -> Iterator[InFlight]:
    """Return what a new worker holds; what was revoked is forgotten after the test."""
    made = InFlight(concurrency=2)
    monkeypatch.setattr(requests, "in_flight", made)
    yield made
    state.revoked.clear()
    STAMPS.clear()


def nothing() -> None:
    """Be a task."""


def arrived(*, stamps: dict[str, Any] | None = None, is_job: bool = True) -> JobRequest:
    """Return the request of a message as it was published, stamps and all."""
    app = Celery("revoking", broker="memory://", set_as_current=False)
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
    return JobRequest(message, app=app)


def bound(options: dict[str, Any]) -> BoundJob:
    """Return a job that was bound."""
    job_id, epoch = KEY
    return BoundJob(
        id=job_id, epoch=epoch, topic="a/b", task="a.task", args=("x",), properties={},
        options=options, priority=0, failures=0, parent_id="", root_id="", instance="w@host",
        incarnation="i", created_at=datetime.now(tz=UTC), queue="default",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("revoked", "is_stopped"),
    [
        ({"customer": "c1"}, True),
        ({"customer": ["c0", "c1"]}, True),
        ({"region": "north"}, True),
        ({"customer": "c2"}, False),
        ({"region": "c1"}, False),
        ({"other": "c1"}, False),
        ({}, False),
    ],
)
def test_a_job_whose_stamp_was_revoked_is_stopped_and_not_refused(
    in_flight: InFlight, revoked: dict[str, Any], is_stopped: bool
) -> None:
    STAMPS.update(revoked)

    request = arrived(stamps={"customer": "c1", "region": ["north", "south"]})

    # Refused here it would wait for ever: the claim is told.
    assert request.revoked() is False
    assert in_flight.stops == ({KEY: False} if is_stopped else {})


def test_a_job_without_stamps_is_no_matter_of_stamps(in_flight: InFlight) -> None:
    STAMPS.update({"customer": "c1"})

    assert arrived().revoked() is False
    assert in_flight.stops == {}


def test_a_job_whose_id_was_revoked_is_stopped_and_not_refused(in_flight: InFlight) -> None:
    state.revoked.add("one")

    assert arrived().revoked() is False
    assert in_flight.stops == {KEY: False}


@pytest.mark.parametrize("by", ["id", "stamp"])
def test_a_plain_task_that_was_revoked_is_refused_as_celery_does(
    in_flight: InFlight, by: str
) -> None:
    if by == "id":
        state.revoked.add("one")
    else:
        STAMPS.update({"customer": "c1"})

    assert arrived(stamps={"customer": "c1"}, is_job=False).revoked() is True
    assert in_flight.stops == {}
