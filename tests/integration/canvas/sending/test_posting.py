"""Plain tasks of a canvas are sent by Celery once their transaction is in, each once."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from celery import chain, chord
from celery.signals import before_task_publish
from kombu.exceptions import OperationalError

from offload.canvas import posting, relays
from offload.models import Job, Run
from offload.tracking import relays as rows
from offload.tracking.queries import waiting_lanes
from tests.integration.canvas.sending.relaying import fresh, queued, relay

if TYPE_CHECKING:
    import pytest
    from celery import Celery

    from offload.messaging.breaker import Breaker
    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


def test_a_relay_is_sent_with_its_options_by_celery_itself(
    app: Celery, job: Named, plain: Named, driver: Driver
) -> None:
    step = plain.add.s(1).set(
        priority=3, headers={"trace": "1"}, countdown=30, expires=60, shadow="shadow"
    )
    result = chain(job.add.s(1), step, job.add.s(1)).apply_async()
    driver.run_next()

    [message] = queued(app)
    first = Job.objects.get(kind="job")
    assert message.headers["id"] == relay().pk
    assert message.headers["parent_id"] == message.headers["root_id"] == first.pk
    assert message.headers["shadow"] == "shadow"
    assert message.headers["trace"] == "1"
    assert message.headers["eta"] < message.headers["expires"]
    assert message.properties["priority"] == 3
    assert message.payload[0] == [1, 1]
    assert message.payload[2]["chain"][0]["options"]["task_id"] == result.id


def test_a_relay_keeps_its_run(job: Named, plain: Named, driver: Driver) -> None:
    run = Run.objects.create(id="run", workflow="w")
    chain(job.add.s(1), plain.add.s(1), job.add.s(1)).apply_async()
    Job.objects.update(run=run)

    driver.run_all()

    assert list(Job.objects.values_list("run_id", flat=True)) == ["run"] * 3


def test_a_relay_is_sent_once(app: Celery, job: Named, plain: Named, driver: Driver) -> None:
    chain(job.add.s(1), plain.add.s(1)).apply_async()
    driver.run_next()

    posting.post([relay().pk])
    relays.sweep()

    assert len(queued(app)) == 1


def test_a_relay_is_never_bound(job: Named, plain: Named, driver: Driver) -> None:
    chord([job.add.s(1), plain.add.s(2)], job.total.s()).apply_async()

    assert [lane.topic for lane in waiting_lanes()] == ["jobs/add"]


def test_a_relay_is_claimed_by_one(job: Named, plain: Named, driver: Driver) -> None:
    chord([job.add.s(1), plain.add.s(2)], job.total.s()).apply_async()
    fresh([relay().pk])

    [mine] = rows.claim([relay().pk])

    assert mine.pk == relay().pk
    assert rows.claim([mine.pk]) == []
    assert posting.post([mine.pk]) == 0
    assert posting.post_again(5.0, 50) == 0
    assert driver.sent() != []


def test_what_was_not_begun_when_the_broker_went_is_anybodys_again(
    app: Celery, job: Named, plain: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, sent = app.amqp.send_task_message, [None]

    def once(*args: Any, **options: Any) -> Any:
        if not sent:
            raise OperationalError("no broker")
        sent.pop()
        return send(*args, **options)

    monkeypatch.setattr(app.amqp, "send_task_message", once)
    chord([plain.add.s(number) for number in range(4)] + [job.add.s(1)], job.total.s()).delay()

    relays_now = Job.objects.filter(kind="relay")
    assert relays_now.filter(publishes=1).count() == 1
    assert relays_now.filter(publishes=0, bound_at__isnull=False).count() == 1
    assert relays_now.filter(publishes=0, bound_at=None).count() == 2


def test_a_broker_that_stands_still_keeps_nobody(
    app: Celery, job: Named, plain: Named, breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(posting, "POST_TIMEOUT_SECONDS", 0.05)
    with monkeypatch.context() as patched:
        patched.setattr(app.amqp, "send_task_message", lambda *args, **options: over.wait())
        chord([plain.add.s(1), plain.add.s(2), job.add.s(1)], job.total.s()).apply_async()
    over.set()

    assert breaker.is_open
    assert list(Job.objects.filter(kind="relay").values_list("publishes", flat=True)) == [0, 0]


def test_what_listens_to_celerys_signals_finds_the_callers_context(
    job: Named, plain: Named, driver: Driver
) -> None:
    trace = ContextVar("trace", default="none")
    trace.set("mine")
    found: list[str] = []

    def listen(**_: object) -> None:
        found.append(trace.get())

    before_task_publish.connect(listen)
    try:
        chord([plain.add.s(1), job.add.s(1)], job.total.s()).apply_async()
    finally:
        before_task_publish.disconnect(listen)

    assert found == ["mine", "mine"]
