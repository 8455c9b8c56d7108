"""Plain tasks that cannot be sent: what waits for them ends with the reason."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord
from django.db.models import F

from offload.canvas import posting, relays
from offload.core.states import JobState
from offload.models import Job
from tests.integration.canvas.sending.relaying import relay

if TYPE_CHECKING:
    from celery import Celery

    from offload.messaging.breaker import Breaker
    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

#: What no broker could be given.
UNSENDABLE: dict[str, dict[str, Any]] = {
    "a serializer that is not there": {"serializer": "none-such"},
    "a compression that is not there": {"compression": "none-such"},
}


@pytest.mark.parametrize("options", UNSENDABLE.values(), ids=UNSENDABLE)
def test_a_relay_that_can_never_be_sent_ends_with_what_waits_for_it(
    app: Celery,
    job: Named,
    plain: Named,
    driver: Driver,
    breaker: Breaker,
    options: dict[str, Any],
) -> None:
    member = chain(plain.add.s(1, 1).set(**options), job.add.s(1))
    result = chord([member, job.add.s(1)], job.total.s()).apply_async()

    driver.run_all()

    assert not breaker.is_open
    assert (relay().state, relay().error[:17]) == (JobState.ERROR, "it cannot be sent")
    assert not Job.objects.unfinished().exists()
    assert Job.objects.get(pk=result.id).state == JobState.ERROR
    assert app.AsyncResult(relay().pk).state == "FAILURE"


@pytest.mark.usefixtures("impatient")
def test_a_relay_that_fails_again_and_again_ends_with_the_reason(
    app: Celery, job: Named, plain: Named, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.amqp, "send_task_message", lambda *args, **options: 1 / 0)
    chain(job.add.s(1), plain.add.s(1)).apply_async()
    driver.run_next()

    relays.sweep()
    assert relay().state == JobState.PENDING
    relays.sweep()

    assert (relay().state, relay().error_type) == (JobState.ERROR, "builtins.ZeroDivisionError")


@pytest.mark.usefixtures("impatient")
def test_relays_that_fail_keep_no_others_back(
    app: Celery, job: Named, plain: Named, breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "CHUNK_RELAYS", 2)
    monkeypatch.setattr(posting, "TRIES_MAX", 1000)
    monkeypatch.setattr(relays, "ASKED_AT_ONCE", 2)
    send = app.amqp.send_task_message

    def picky(producer: Any, name: str, *args: Any, **options: Any) -> Any:
        return 1 / 0 if name == "plain.note" else send(producer, name, *args, **options)

    monkeypatch.setattr(app.amqp, "send_task_message", picky)
    bad = [plain.note.s(number) for number in range(4)]
    breaker.trip()
    chord([*bad, plain.add.s(1, 1), job.add.s(1)], job.total.s()).apply_async()
    good = Job.objects.filter(task="plain.add")
    good.update(created_at=F("created_at") + timedelta(milliseconds=1))
    breaker.close()

    for _ in range(3):
        relays.sweep()

    assert good.get().publishes == 1
