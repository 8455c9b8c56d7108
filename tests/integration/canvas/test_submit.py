from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from time import monotonic
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from celery import chain, signals, signature
from celery.canvas import StampingVisitor  # type: ignore[attr-defined]
from django.db import transaction
from django.utils import timezone

import offload
from offload.canvas.freezing import context
from offload.core.exceptions import (
    InvalidDelay,
    InvalidId,
    InvalidNumber,
    InvalidPriority,
    InvalidProperties,
    InvalidTopic,
)
from offload.core.validation.bounds import TIME_LIMIT
from offload.db import database
from offload.dispatch import subscribing
from offload.fleet import snapshots
from offload.messaging import publisher
from offload.messaging.publisher import Breaker
from offload.models import Instance, Job
from offload.models.versions import raise_version
from offload.tracking import terminations
from offload.worker.tasks.task import ConsumerTask
from tests.integration.driving import tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


@pytest.fixture
def elsewhere(app: Celery) -> None:
    """Announce tasks that are registered on another instance only."""
    Instance.objects.create(
        name="far@away",
        incarnation="boot-1",
        cluster="default",
        mode="ready",
        joined=1,
        host="away",
        boot_id="1",
        pid=1,
        concurrency=1,
        window=2,
        protocol=1,
        consumers=[
            {"pattern": "far/away", "task": "far.away"},
            {"pattern": "far/*", "task": "far.many"},
        ],
    )
    raise_version()
    snapshots.forget()


def only() -> Any:
    """Return the one row there is."""
    return Job.objects.get()


def queued(app: Celery) -> int:
    """Return how many messages Celery's own queue holds."""
    with app.connection_for_read() as connection:
        size: int = connection.SimpleQueue(app.conf.task_default_queue).qsize()
        return size


def test_a_call_of_a_job_is_a_row_and_no_message(app: Celery, job: Named) -> None:
    result = job.add.delay(1, y=2)

    row = only()
    assert (row.pk, row.topic, row.task, row.kind) == (result.id, "jobs/add", "jobs.add", "job")
    assert (row.args, row.properties) == ([1], {"y": 2})
    assert (row.has_tail, row.tail, row.parent_id, row.root_id) == (False, None, "", "")
    assert queued(app) == 0


def test_a_call_of_a_plain_task_is_a_message_and_no_row(app: Celery, plain: Named) -> None:
    plain.add.delay(1, 2)

    assert queued(app) == 1
    assert not Job.objects.exists()


def test_a_rollback_leaves_no_job(job: Named) -> None:
    with database.atomic():
        job.add.delay(1)
        transaction.set_rollback(True, using=database.alias())

    assert not Job.objects.exists()


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


def test_stamps_stay_with_the_job(job: Named) -> None:
    class Visitor(StampingVisitor):  # type: ignore[misc, unused-ignore]
        def on_signature(self, sig: Any, **headers: Any) -> dict[str, Any]:
            return {"customer": "c1"}

    canvas = chain(job.add.s(1), job.add.s(2))
    canvas.stamp(Visitor())
    canvas.apply_async()

    options = only().options
    assert (options["customer"], options["stamped_headers"]) == ("c1", ["customer"])


def test_links_of_a_call_are_its_tail(job: Named) -> None:
    job.add.apply_async((1,), link=job.note.s(), link_error=[job.heard.s()])

    row = only()
    assert row.has_tail
    assert [one["task"] for one in row.tail["link"]] == ["jobs.note"]
    assert [one["task"] for one in row.tail["link_error"]] == ["jobs.heard"]


@pytest.mark.usefixtures("elsewhere")
def test_a_name_known_elsewhere_only_is_a_job(app: Celery) -> None:
    app.send_task("far.away", (1,))
    signature("far.away", (2,), app=app).apply_async()

    assert [row.topic for row in Job.objects.all()] == ["far/away", "far/away"]
    assert queued(app) == 0


@pytest.mark.usefixtures("elsewhere")
def test_a_step_known_elsewhere_only_stays_in_the_chain(
    app: Celery, job: Named, driver: Driver
) -> None:
    chain(job.add.s(1), signature("far.away", app=app)).apply_async()

    driver.run_next()

    assert Job.objects.exclude(task="jobs.add").get().topic == "far/away"


@pytest.mark.usefixtures("elsewhere")
def test_a_consumer_of_many_topics_cannot_be_called_by_its_name(app: Celery) -> None:
    with pytest.raises(InvalidTopic, match="must name the topic"):
        app.send_task("far.many")

    app.send_task("far.many", offload_topic="far/one")
    assert (only().topic, only().task) == ("far/one", "far.many")


def test_a_registered_consumer_of_many_topics_names_them(app: Celery) -> None:
    def many(job: Any) -> None:
        """Do nothing."""

    task = tasks.define(app, many, name="many", base=ConsumerTask, pattern="many/*")
    try:
        with pytest.raises(InvalidTopic):
            app.send_task(task.name)
        app.send_task(task.name, offload_topic="many/one")
    finally:
        app.tasks.unregister("many")

    assert only().topic == "many/one"


def test_an_unknown_name_is_left_to_celery(app: Celery) -> None:
    app.send_task("nobody.knows", (1,))

    assert queued(app) == 1
    assert not Job.objects.exists()


def test_arguments_that_are_no_json_are_refused(job: Named) -> None:
    with pytest.raises(InvalidProperties, match="cannot be JSON"):
        job.add.delay(object())

    assert not Job.objects.exists()


def test_arguments_that_are_too_large_are_refused(job: Named) -> None:
    with pytest.raises(InvalidProperties, match="are allowed"):
        job.add.delay("x" * 300_000)

    assert not Job.objects.exists()


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


def test_a_job_submitted_by_a_job_is_its_child(job: Named) -> None:
    running = context.Running(id="parent", epoch=1, root_id="root")
    token = context.running.set(running)
    try:
        job.add.delay(1)
    finally:
        context.running.reset(token)

    assert (only().parent_id, only().root_id, only().run_id) == ("parent", "root", None)


def test_a_job_submitted_by_a_plain_task_is_its_child(
    app: Celery, job: Named, driver: Driver
) -> None:
    def submits() -> str:
        """Submit a job."""
        return str(job.add.delay(1))

    tasks.define(app, submits, name="outer")
    outer = app.send_task("outer")

    driver.run_plain()
    app.tasks.unregister("outer")

    assert (only().parent_id, only().root_id) == (outer.id, outer.id)
    children: Any = app.AsyncResult(outer.id).children
    assert [child.id for child in children] == [only().pk]


def test_what_is_sent_under_the_running_id_is_a_continuation(job: Named) -> None:
    running = context.Running(id="mine", epoch=1)
    token = context.running.set(running)
    try:
        job.add.apply_async(
            (5,), task_id="mine", countdown=3, retries=2, queue="elsewhere", priority=7,
            expires=60, time_limit=5, headers={"offload": {"id": "mine"}, "tenant": "north"},
        )  # fmt: skip
        found: Any = context.continuation()
    finally:
        context.running.reset(token)

    assert (found.args, found.kwargs, found.delay, found.retries) == ((5,), {}, 3.0, 2)
    assert found.expires_in == 60
    options = {name: found.options.get(name) for name in ("priority", "time_limit", "headers")}
    assert options == {"priority": 7, "time_limit": 5, "headers": {"tenant": "north"}}
    assert "queue" not in found.options
    assert not Job.objects.exists()


def test_a_retry_runs_on_the_fields_that_it_names(app: Celery, job: Named, driver: Driver) -> None:
    called = job.otherwise.apply_async(priority=2, app_id="shop")

    driver.run(called.id)

    row = only()
    assert (row.state, row.priority) == ("PENDING", 7)
    assert row.options["time_limit"] == 5
    assert row.options["properties"] == {"app_id": "shop"}
    assert timedelta(0) < row.expires_at - timezone.now() < timedelta(seconds=60)


@pytest.fixture
def published() -> Iterator[list[tuple[str, str]]]:
    """Return which signals of a publish were sent, by which sender; a receiver adds a header."""
    found: list[tuple[str, str]] = []

    def before(sender: str, headers: dict[str, Any], properties: Any, **_: object) -> None:
        found.append(("before", sender))
        headers["trace"] = {"id": len(found)}
        properties["app_id"] = "shop"

    def after(sender: str, headers: Any, **_: object) -> None:
        assert headers["trace"]
        found.append(("after", sender))

    signals.before_task_publish.connect(before)
    signals.after_task_publish.connect(after)
    yield found
    signals.before_task_publish.disconnect(before)
    signals.after_task_publish.disconnect(after)


def test_celerys_signals_of_a_publish_are_sent_where_a_job_is_submitted(
    job: Named, driver: Driver, published: list[Any]
) -> None:
    job.add.apply_async((1,), headers={"tenant": "north"})

    assert published == [("before", "jobs.add"), ("after", "jobs.add")]
    assert only().options["headers"] == {"tenant": "north", "trace": {"id": 1}}
    assert only().options["properties"] == {"app_id": "shop"}


def test_nobody_hears_of_them_again_when_the_message_is_sent(
    app: Celery, job: Named, driver: Driver, published: list[Any]
) -> None:
    job.add.delay(1)
    published.clear()

    driver.claim(only().pk)
    with app.producer_pool.acquire() as producer:
        publisher._send(app, producer, bound_of(only()), "jobs.add")

    assert published == []
    assert received(app).headers["trace"] == {"id": 1}


def bound_of(row: Job) -> Any:
    """Return a row as a binding of it."""
    facts = {name: getattr(row, name) for name in ("args", "properties", "options", "failures")}
    return SimpleNamespace(
        **facts, id=row.pk, epoch=1, topic=row.topic, instance="here", incarnation="1",
        root_id="", parent_id="", is_limited=False,
    )  # fmt: skip


def received(app: Celery) -> Any:
    """Return the message that was sent to the instance."""
    with app.connection_for_read() as connection:
        return publisher.instance_queue("here")(connection.default_channel).get()


def test_they_are_sent_by_the_topic_where_that_is_all_that_is_known(
    job: Named, published: list[Any]
) -> None:
    offload.submit_many("far/away", [{}, {}])

    assert sorted(published) == [("after", "far/away")] * 2 + [("before", "far/away")] * 2
    ids = [row.options["headers"]["trace"]["id"] for row in Job.objects.order_by("id")]
    assert ids == [1, 2]


def test_they_are_sent_for_a_step_where_the_one_before_it_ends(
    job: Named, driver: Driver, published: list[Any]
) -> None:
    chain(job.add.s(1), job.same.s()).apply_async()
    published.clear()

    driver.run_next()

    assert published == [("before", "jobs.same"), ("after", "jobs.same")]


def test_what_a_call_says_to_the_broker_stays_with_the_job(job: Named) -> None:
    job.add.apply_async((1,), app_id="shop", MessageGroupId="a", queue="q", delivery_mode=1)

    assert only().options["properties"] == {"app_id": "shop", "MessageGroupId": "a"}


def test_eager_calls_never_come_by(app: Celery, job: Named) -> None:
    app.conf.task_always_eager = True
    try:
        result = chain(job.add.s(1, 2), job.add.s(3)).apply_async()
    finally:
        app.conf.task_always_eager = False

    assert result.get() == 6
    assert not Job.objects.exists()


def test_the_backend_is_told_of_every_result_to_expect(
    app: Celery, job: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    kind = type(app.backend)
    monkeypatch.setattr(kind, "on_task_call", lambda self, producer, task_id: told.append(task_id))

    result = job.add.delay(1)
    job.add.apply_async((1,), ignore_result=True)

    assert told == [result.id]


def test_a_backend_out_of_reach_keeps_no_job_back(
    app: Celery, job: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Any, producer: Any, task_id: str) -> None:
        raise ConnectionError("no backend")

    monkeypatch.setattr(subscribing, "breaker", Breaker())
    monkeypatch.setattr(type(app.backend), "on_task_call", refuse)

    job.add.delay(1)

    assert only().topic == "jobs/add"
    assert subscribing.breaker.is_open


def test_a_backend_that_stands_still_keeps_no_job_back(
    app: Celery, job: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on = threading.Event()
    monkeypatch.setattr(subscribing, "breaker", Breaker())
    monkeypatch.setattr(subscribing, "SUBSCRIBE_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(type(app.backend), "on_task_call", lambda *_: going_on.wait(60))
    begun = monotonic()

    job.add.delay(1)
    job.add.delay(2)

    going_on.set()
    assert monotonic() - begun < 30
    assert Job.objects.count() == 2
    assert subscribing.breaker.is_open


def test_each_thread_has_a_backend_that_counts_for_us(app: Celery) -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(app.backend.apply_chord))
    thread.start()
    thread.join()

    assert found[0].__self__.__class__.__name__ == "Chords"


def deep(levels: int) -> list[Any]:
    """Return a list in a list in a list."""
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("call", "levels"),
    [
        *((call, levels) for call in ("delay", "signature") for levels in (65, 900, 100_000)),
        *((call, levels) for call in ("chain", "link") for levels in (300, 900, 100_000)),
    ],
)
def test_arguments_nested_too_deeply_are_refused_in_a_short_sentence(
    job: Named, call: str, levels: int
) -> None:
    value = deep(levels)
    calls: dict[str, Any] = {
        "delay": lambda: job.add.delay(value),
        "signature": lambda: job.add.s(value).apply_async(),
        "chain": lambda: chain(job.add.s(1), job.add.s(value)).apply_async(),
        "link": lambda: job.add.apply_async((1,), link=job.note.s(value)),
    }

    with pytest.raises(InvalidProperties, match="nested") as told:
        calls[call]()

    assert len(str(told.value)) < 200
    assert not Job.objects.exists()


def test_ids_may_be_uuids(app: Celery, job: Named, driver: Driver) -> None:
    ids = [uuid4() for _ in range(3)]

    chain(job.add.s(1).set(task_id=ids[0]), job.add.s(2).set(task_id=ids[1])).apply_async()
    result = job.add.apply_async((1,), task_id=ids[2], parent_id=ids[0], root_id=ids[0])
    driver.run_all()

    assert result.id == str(ids[2])
    assert set(Job.objects.values_list("pk", flat=True)) == {str(one) for one in ids}
    child = Job.objects.get(pk=result.id)
    assert (child.parent_id, child.root_id) == (str(ids[0]), str(ids[0]))


@pytest.mark.parametrize("bad", ["x" * 300, "a\0b", 7])
def test_an_id_that_no_row_can_have_is_refused(job: Named, bad: Any) -> None:
    for call in (
        lambda: job.add.apply_async((1,), task_id=bad),
        lambda: job.add.apply_async((1,), root_id=bad),
        lambda: chain(job.add.s(1), job.add.s(2).set(task_id=bad)).apply_async(),
        lambda: job.add.apply_async((1,), link=job.note.s().set(task_id=bad)),
    ):
        with pytest.raises(InvalidId):
            call()

    assert not Job.objects.exists()
