"""The sweep sends what was left behind, and asks what became of what was sent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord
from celery.app.task import Context
from celery.app.trace import trace_task
from django.db.models import F
from kombu.exceptions import OperationalError

from offload.canvas import posting, relays
from offload.canvas.freezing.signatures import mark
from offload.core.states import JobState
from offload.models import Job
from offload.tracking import relays as rows
from tests.integration.canvas.sending.relaying import fresh, queued, relay

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


@pytest.fixture
def unreachable(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the broker refuse what is sent."""

    def refuse(*args: Any, **options: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(app.amqp, "send_task_message", refuse)


@pytest.mark.usefixtures("unreachable")
def test_a_relay_that_cannot_be_sent_waits(job: Named, plain: Named, driver: Driver) -> None:
    chain(job.add.s(1), plain.add.s(1)).apply_async()

    driver.run_next()

    assert (relay().state, relay().publishes) == (JobState.PENDING, 0)


@pytest.mark.usefixtures("impatient")
def test_the_sweep_sends_what_was_left_behind(
    app: Celery,
    job: Named,
    plain: Named,
    driver: Driver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(app.amqp, "send_task_message", lambda *args, **options: 1 / 0)
        result = chain(job.add.s(1), plain.add.s(1)).apply_async()
        driver.run_next()
    assert "ZeroDivisionError" in relay().error

    relays.sweep()
    driver.run_all()

    assert result.get(timeout=1) == 2
    assert relay().state == JobState.SUCCEEDED


def lost(app: Celery, message: Any) -> None:
    """Run a plain task on a worker that offload is not installed in."""
    backend: Any = app.backend
    ours = backend.on_chord_part_return
    backend.on_chord_part_return = lambda *args, **options: None
    try:
        args, kwargs, embed = message.payload
        request = {**message.headers, **embed, "delivery_info": {}, "called_directly": False}
        task = app.tasks[message.headers["task"]]
        trace_task(task, message.headers["id"], args, kwargs, request=request, app=app)
    finally:
        backend.on_chord_part_return = ours


@pytest.mark.usefixtures("impatient")
def test_the_sweep_counts_a_member_whose_end_was_not_told(
    app: Celery, job: Named, plain: Named, driver: Driver
) -> None:
    result = chord([job.add.s(1), plain.add.s(2)], job.total.s()).apply_async()
    driver.run_next()
    [message] = queued(app)
    lost(app, message)
    assert not Job.objects.filter(pk=result.id).exists()

    relays.sweep()

    assert Job.objects.get(pk=result.id).args == [[1, 2]]
    assert relay().state == JobState.SUCCEEDED


@pytest.mark.usefixtures("impatient")
def test_the_sweep_counts_a_member_without_a_row(
    app: Celery, job: Named, plain: Named, driver: Driver
) -> None:
    members = [chain(plain.add.s(1), plain.add.s(1)), job.add.s(1)]
    result = chord(members, job.total.s()).apply_async()
    driver.run_next()
    driver.run_plain()
    [message] = queued(app)
    lost(app, message)
    assert not Job.objects.filter(pk=message.headers["id"]).exists()

    relays.sweep()

    assert Job.objects.get(pk=result.id).args == [[2, 1]]


@pytest.mark.usefixtures("impatient")
def test_the_sweep_fails_what_waited_behind_a_relay(
    app: Celery, job: Named, plain: Named, driver: Driver
) -> None:
    behind = chord([job.add.s(1), job.add.s(2)], job.total.s())
    result = chain(job.add.s(1), plain.fail.s(), behind).apply_async()
    driver.run_next()
    [message] = queued(app)
    lost(app, message)

    relays.sweep()
    driver.run_all()

    assert relay().state == JobState.ERROR
    assert Job.objects.get(pk=result.id).error == "wrong"
    assert {row.state for row in Job.objects.filter(task="jobs.add", epoch=0)} == {"ERROR"}


@pytest.mark.usefixtures("impatient")
def test_the_sweep_asks_again_about_what_still_runs(
    job: Named, plain: Named, driver: Driver
) -> None:
    chain(job.add.s(1), plain.add.s(1)).apply_async()
    driver.run_next()

    assert relays.sweep() == 0
    assert relay().state == JobState.PENDING


def test_a_value_of_a_plain_member_that_is_no_json_fails_the_body(
    app: Celery, job: Named, plain: Named, driver: Driver
) -> None:
    result = chord([job.add.s(1), plain.add.s(2)], job.total.s()).apply_async()
    driver.run_next()
    request = Context(id=relay().pk, chord=mark("x"))

    app.backend.on_chord_part_return(request, "SUCCESS", object())

    assert "cannot be JSON" in Job.objects.get(pk=result.id).error


@pytest.mark.parametrize("database_alias", ["sqlite"], indirect=True)
def test_the_questions_of_the_sweep_use_their_index(app: Celery) -> None:
    open_relays = Job.objects.filter(state="PENDING", hold="relay").order_by("bound_at")

    assert "offload_job_relay" in open_relays.explain()


def test_the_sweep_sends_what_a_dead_claimer_left_behind(
    job: Named, plain: Named, driver: Driver
) -> None:
    chord([job.add.s(1), plain.add.s(2)], job.total.s()).apply_async()
    driver.sent()
    fresh([relay().pk])
    rows.claim([relay().pk])
    Job.objects.filter(pk=relay().pk).update(bound_at=F("bound_at") - timedelta(seconds=6))

    assert posting.post_again(5.0, 50) == 1
    assert posting.post_again(5.0, 50) == 0

    assert len(driver.sent()) == 1
