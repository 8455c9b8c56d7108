"""Stopping plain Celery tasks of a canvas: ours until they are sent, then Celery's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord
from celery.app.control import Control
from kombu.exceptions import OperationalError

from offload.canvas import relays
from offload.canvas.freezing.signatures import JOIN_OPTION
from offload.core.states import JobState
from offload.jobs import stopping
from offload.messaging.installation import current_installation
from offload.models import Dependency, Job
from offload.tracking import terminations
from tests.integration.driving.fixtures import BACKENDS

if TYPE_CHECKING:
    from celery import Celery

    from offload.messaging.breaker import Breaker
    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

both = pytest.mark.parametrize("app", BACKENDS, indirect=True)


@pytest.fixture
def breaker(app: Celery) -> Breaker:
    """Return the closed breaker of the broker."""
    return current_installation.to_broker


@pytest.fixture
def revoked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the ids that workers are told to revoke."""
    told: list[Any] = []
    monkeypatch.setattr(Control, "broadcast", lambda *_, **options: told.append(options))
    return told


def relay() -> Job:
    return Job.objects.get(kind="relay")


@both
def test_a_stop_of_a_plain_member_that_was_not_sent_fails_its_chord(
    app: Celery, job: Named, plain: Named, driver: Driver, breaker: Breaker, calls: list[Any]
) -> None:
    breaker.trip()
    member = chain(plain.add.s(1, 1).on_error(job.heard.s()), job.add.s(1))
    result = chord([member, job.add.s(1)], job.total.s()).apply_async()

    assert stopping.stop_jobs([relay().pk]) == {relay().pk}
    driver.run_all()

    assert relay().state == JobState.STOPPED
    assert Job.objects.get(pk=result.id).state == JobState.ERROR
    assert not Dependency.objects.filter(state="").exists()
    assert not Job.objects.unfinished().exists()
    assert str(app.AsyncResult(relay().pk).state) == "REVOKED"
    assert calls == [[relay().pk, ""]]


def test_a_stop_of_a_plain_step_that_was_not_sent_stops_what_waits_behind_it(
    app: Celery, job: Named, plain: Named, driver: Driver, breaker: Breaker
) -> None:
    breaker.trip()
    result = chain(job.add.s(1, 1), plain.add.s(1), job.add.s(1)).apply_async()
    driver.run_next()

    assert stopping.stop(relay().pk) is JobState.STOPPED

    assert Job.objects.get(pk=result.id).state == JobState.STOPPED
    driver.run_all()
    assert str(app.AsyncResult(result.id).state) == "REVOKED"


def test_a_stop_of_a_plain_task_that_was_sent_is_celerys(
    app: Celery, job: Named, plain: Named, driver: Driver, revoked: list[Any]
) -> None:
    result = chord([plain.add.s(1, 1), job.add.s(1)], job.total.s()).apply_async()

    assert stopping.stop_jobs([relay().pk]) == set()
    assert revoked == []
    assert stopping.stop(relay().pk, force=True) is JobState.PENDING

    [told] = revoked
    assert told["arguments"] == {
        "task_id": [relay().pk], "terminate": True, "signal": "SIGTERM",
    }  # fmt: skip
    [message] = driver.sent()
    app.backend.mark_as_revoked(relay().pk, "revoked", request=driver.request_of(message))
    driver.run_all()
    assert relay().state == JobState.STOPPED
    assert Job.objects.get(pk=result.id).state == JobState.ERROR


@pytest.fixture
def in_doubt(app: Celery, job: Named, plain: Named, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the id of a chord with a plain member that may have been sent, or not."""

    def refuse(*args: Any, **options: Any) -> None:
        raise OperationalError("the connection broke")

    with monkeypatch.context() as patched:
        patched.setattr(app.amqp, "send_task_message", refuse)
        return str(chord([plain.add.s(1, 1), job.add.s(1)], job.total.s()).apply_async().id)


def test_a_stop_of_a_plain_task_of_which_that_is_not_known_is_both(
    app: Celery,
    driver: Driver,
    in_doubt: str,
    breaker: Breaker,
    revoked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert stopping.stop(relay().pk) is JobState.PENDING
    assert len(revoked) == 1
    breaker.close()
    relays.sweep()
    assert relay().state == JobState.PENDING

    monkeypatch.setattr("offload.canvas.relays.OVERDUE_SECONDS", -1.0)
    relays.sweep()
    driver.run_all()

    assert driver.sent() == []
    assert relay().state == JobState.STOPPED
    assert Job.objects.get(pk=in_doubt).state == JobState.ERROR


def test_a_stop_whose_broker_is_away_is_accepted(
    app: Celery, job: Named, plain: Named, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    chord([plain.add.s(1, 1), job.add.s(1)], job.total.s()).apply_async()
    monkeypatch.setattr(Control, "broadcast", lambda *_, **options: 1 / 0)

    assert stopping.stop(relay().pk) is JobState.PENDING

    assert relay().stop_requested is True


def test_a_plain_task_that_was_sent_is_not_dropped(
    job: Named, plain: Named, driver: Driver, breaker: Breaker
) -> None:
    chord([plain.add.s(1, 1), job.add.s(1)], job.total.s()).apply_async()
    assert terminations.drop([relay().pk]) == []

    Job.objects.filter(kind="relay").update(publishes=0, bound_at=None)
    assert len(terminations.drop([relay().pk])) == 1
    assert relay().options["chord"]["options"][JOIN_OPTION]
