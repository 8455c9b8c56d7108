"""Messages that cannot be encoded, brokers that hang, and very many lanes."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from kombu import Producer

from offload.core.retries import RetryDecision
from offload.core.states import JobState
from offload.dispatch import dispatching
from offload.dispatch.submission import new_id
from offload.fleet.snapshots import snapshot
from offload.jobs import endings
from offload.messaging import publisher
from offload.messaging.installation import current_installation
from offload.models import Queue
from offload.tracking import replacements
from offload.tracking.drafts import Draft, insert
from offload.worker.pool.outcome import info
from tests.integration.world import (
    HERE,
    Broker,
    join,
    row,
    running,
    states,
    waiting,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def test_a_window_is_filled_also_from_very_many_lanes() -> None:
    insert([Draft(id=new_id(), topic=f"dam/asset/{number}") for number in range(600)])
    (urgent,) = waiting(topic="dam/asset/last", priority=9)

    assert dispatching.refill(HERE) == 4
    assert row(urgent).state == JobState.QUEUED


@pytest.mark.parametrize("option", ["compression", "serializer"])
def test_a_job_no_message_can_be_made_of_is_an_error_and_keeps_no_other_back(
    broker: Broker, option: str
) -> None:
    (unreadable,) = waiting(options={option: "unheard-of"})
    others = waiting(2)

    dispatching.refill(HERE)

    assert states(others) == ["QUEUED", "QUEUED"]
    assert [sent["id"] for sent in broker.sent_to()] == others
    assert not current_installation.to_broker.is_open
    found = row(unreadable)
    assert (found.state, found.aftermath_due) == (JobState.ERROR, True)
    assert "unheard-of" in found.error


@pytest.mark.parametrize(
    ("facts", "limited"),
    [({}, False), ({"max_parallel": 3}, True), ({"type": "ordered"}, True)],
    ids=str,
)
def test_a_message_says_whether_its_queue_is_limited(
    broker: Broker, facts: dict[str, Any], limited: bool
) -> None:
    Queue.objects.create(name="some", topics=["dam/**"], **facts)
    snapshot(fresh=True)
    waiting(queue="some")

    dispatching.refill(HERE)

    (sent,) = broker.sent_to()
    assert sent.get("limited", False) is limited


def test_a_broker_that_stands_still_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(Producer, "publish", lambda *_, **__: release.wait(30))
    monkeypatch.setattr(publisher, "PUBLISH_TIMEOUT_SECONDS", 0.1)
    ids = waiting(1)

    before = time.monotonic()
    dispatching.refill(HERE)

    assert time.monotonic() - before < 20
    assert current_installation.to_broker.is_open
    assert states(ids) == ["QUEUED"]
    release.set()


@pytest.mark.parametrize("error", [TimeoutError("redis"), KeyError("transport"), ValueError()])
def test_whatever_a_transport_raises_the_job_stays_bound_to_be_sent_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Producer, "publish", fail)
    ids = waiting(1)

    dispatching.refill(HERE)

    assert current_installation.to_broker.is_open
    assert states(ids) == ["QUEUED"]
    assert "1 job is bound and not sent yet: " in caplog.text
    assert "manage.py offload broker" in caplog.text


@pytest.mark.parametrize("text", ["a\x00b", "a\udcffb"])
def test_an_error_of_any_characters_can_be_stored(text: str) -> None:
    run = running()

    assert endings.fail(run.ending, _given_up(), info(ValueError(text))) is JobState.GIVEN_UP
    assert row(run.id).error.startswith("a\\")


def _given_up() -> RetryDecision:
    return RetryDecision(
        state=JobState.GIVEN_UP, delay=0.0, failures=1, crashes=0, reason="too often"
    )


def test_a_replaced_job_has_begun_and_can_no_longer_expire() -> None:
    run = running(expires_in=3600.0)
    assert row(run.id).expires_at is not None

    replacements.replaced(run.key)

    assert row(run.id).expires_at is None
