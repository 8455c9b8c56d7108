"""Options of a call: checked, made absolute, and frozen in the caller."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from celery import chain, signature
from django.utils import timezone

from offload.core.exceptions import InvalidDelay, InvalidNumber, InvalidPriority
from offload.core.validation.bounds import TIME_LIMIT
from offload.models import Job
from offload.tracking import terminations
from tests.integration.canvas.sending.messages import only

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


def test_options_are_frozen_in_the_caller(app: Celery, job: Named) -> None:
    job.add.apply_async(
        (1,),
        task_id="mine",
        priority=7,
        shadow="shadow",
        headers={"trace": "1"},
        soft_time_limit=5,
        time_limit=6,
        ignore_result=True,
        group_id="group",
        group_index=0,
        root_id="root",
        parent_id="parent",
    )

    row = only()
    assert (row.pk, row.priority, row.needs) == ("mine", 7, "limit")
    assert (row.root_id, row.parent_id) == ("root", "parent")
    assert row.options == {
        "reply_to": app.thread_oid,
        "serializer": "json",
        "shadow": "shadow",
        "headers": {"trace": "1"},
        "soft_time_limit": 5,
        "time_limit": 6,
        "ignore_result": True,
        "group_id": "group",
        "group_index": 0,
        "priority": 7,
    }


def test_limits_of_the_task_are_frozen_however_it_is_called(app: Celery, job: Named) -> None:
    job.add.time_limit = 9
    job.add._exec_options = None
    try:
        job.add.delay(1)
        app.send_task("jobs.add", (1,))
        signature("jobs.add", (1,), app=app).delay()
    finally:
        job.add.time_limit = None
        job.add._exec_options = None

    assert [row.options["time_limit"] for row in Job.objects.all()] == [9, 9, 9]
    assert {row.needs for row in Job.objects.all()} == {"limit"}


@pytest.mark.parametrize(
    "when",
    [lambda: {"countdown": 60}, lambda: {"eta": timezone.now() + timedelta(seconds=60)}],
    ids=["countdown", "eta"],
)
def test_a_delayed_job_waits_in_the_database(job: Named, when: Any) -> None:
    job.add.apply_async((1,), **when())

    left = (only().run_at - timezone.now()).total_seconds()
    assert 30 < left < 61


@pytest.mark.parametrize(
    "expires",
    [
        lambda: 60,
        lambda: timezone.now() + timedelta(seconds=60),
        lambda: "2999-01-01T00:00:00+00:00",
    ],
    ids=["seconds", "time", "text"],
)
def test_an_expiry_is_absolute(job: Named, expires: Any) -> None:
    job.add.apply_async((1,), expires=expires())

    assert only().expires_at > timezone.now() + timedelta(seconds=30)


NEW_YORK = ZoneInfo("America/New_York")
#: A time of the site's own zone, and one of the other half of the year.
FAR = [
    ("aware", lambda when: when),
    ("naive", lambda when: when.replace(tzinfo=None)),
    ("utc", lambda when: when.astimezone(UTC)),
    ("text", lambda when: when.isoformat()),
]


@pytest.mark.parametrize("given", [one[1] for one in FAR], ids=[one[0] for one in FAR])
@pytest.mark.parametrize("days", [90, 180, 270])
def test_a_time_beyond_a_change_of_clocks_is_that_time(
    app: Celery, job: Named, monkeypatch: pytest.MonkeyPatch, given: Any, days: int
) -> None:
    monkeypatch.setattr(app, "timezone", NEW_YORK)
    monkeypatch.setattr(app, "now", lambda: datetime.now(NEW_YORK))
    eta = datetime.now(NEW_YORK) + timedelta(days=days)

    job.add.apply_async((1,), eta=given(eta), expires=given(eta + timedelta(hours=2)))

    row = only()
    assert abs(row.run_at - eta.astimezone(UTC)) < timedelta(minutes=1)
    assert abs(row.expires_at - row.run_at - timedelta(hours=2)) < timedelta(minutes=1)


@pytest.mark.parametrize("days", [90, 180, 270])
def test_a_countdown_beyond_a_change_of_clocks_is_as_long_as_it_says(
    app: Celery,
    job: Named,
    plain: Named,
    driver: Driver,
    monkeypatch: pytest.MonkeyPatch,
    days: int,
) -> None:
    monkeypatch.setattr(app, "timezone", NEW_YORK)
    monkeypatch.setattr(app, "now", lambda: datetime.now(NEW_YORK))
    due = datetime.now(UTC) + timedelta(days=days)

    chain(job.add.s(1), plain.add.s(1).set(countdown=days * 86_400)).apply_async()
    driver.run_next()

    relayed = Job.objects.get(kind="relay").options["eta"]
    assert abs(datetime.fromisoformat(relayed) - due) < timedelta(minutes=1)


def test_a_time_that_has_passed_is_now(job: Named) -> None:
    job.add.apply_async((1,), eta=timezone.now() - timedelta(hours=1))

    assert only().run_at is None


BEYOND: dict[str, tuple[type[Exception], dict[str, Any]]] = {
    "countdown": (InvalidDelay, {"countdown": 3e11}),
    "no number": (InvalidDelay, {"countdown": float("inf")}),
    "text": (InvalidPriority, {"priority": "high"}),
    "expires": (InvalidDelay, {"expires": 3e11}),
    "priority": (InvalidPriority, {"priority": 99_999}),
    "a time that is text": (InvalidDelay, {"eta": "tomorrow"}),
    "a time that is none": (InvalidDelay, {"expires": [1]}),
    "a time limit below 0": (InvalidNumber, {"time_limit": -1}),
    "a time limit of text": (InvalidNumber, {"soft_time_limit": "60"}),
    "a soft limit that never comes": (InvalidNumber, {"time_limit": 5, "soft_time_limit": 6}),
}


@pytest.mark.parametrize(("error", "options"), BEYOND.values(), ids=BEYOND)
def test_what_cannot_be_stored_is_refused(
    job: Named, error: type[Exception], options: dict[str, Any]
) -> None:
    with pytest.raises(error):
        job.add.apply_async((1, 2), **options)

    assert not Job.objects.exists()


def test_a_later_step_is_given_the_nearest_limit_that_there_is(job: Named, driver: Driver) -> None:
    later = job.add.s(2).set(time_limit=-5, soft_time_limit=1e12)
    chain(job.add.s(1), later).delay()

    driver.run_next()

    step = Job.objects.get(state="PENDING")
    assert (step.options["time_limit"], step.options["soft_time_limit"]) == (0, TIME_LIMIT.most)


@pytest.mark.parametrize("zone", [UTC, NEW_YORK, ZoneInfo("Pacific/Kiritimati")], ids=str)
def test_any_time_can_be_stored_and_read(job: Named, zone: Any) -> None:
    job.add.apply_async((1, 2), eta=datetime.max.replace(tzinfo=zone))

    assert only().run_at.year == 9999


def test_what_expired_already_is_stored_and_expires(job: Named) -> None:
    result = job.add.apply_async((1, 2), expires=datetime(1, 1, 2, tzinfo=UTC))

    assert [change.job_id for change in terminations.expire()] == [result.id]


def test_dates_come_back_as_dates(job: Named, driver: Driver, calls: list[Any]) -> None:
    now = timezone.now()
    job.note.delay(now)

    driver.run_all()

    assert calls == [[now]]
