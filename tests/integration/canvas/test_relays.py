from __future__ import annotations

import threading
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord
from celery.app.task import Context
from celery.app.trace import trace_task
from celery.signals import before_task_publish
from django.db.models import F
from kombu.exceptions import OperationalError

from offload.canvas import posting, relays
from offload.canvas.freezing.signatures import mark
from offload.core.states import JobState
from offload.messaging.publisher import Breaker
from offload.models import Job, Run
from offload.tracking import relays as rows
from offload.tracking.queries import waiting_lanes

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


@pytest.fixture(autouse=True)
def breaker(monkeypatch: pytest.MonkeyPatch) -> Breaker:
    """Let every test begin with a broker that was in reach; return what remembers that."""
    found = Breaker()
    monkeypatch.setattr(posting, "breaker", found)
    return found


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sweep ask at once."""
    monkeypatch.setattr(relays, "ASK_AGAIN_SECONDS", -1.0)
    monkeypatch.setattr("offload.canvas.relays.OVERDUE_SECONDS", -1.0)


@pytest.fixture
def unreachable(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the broker refuse what is sent."""

    def refuse(*args: Any, **options: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(app.amqp, "send_task_message", refuse)


def queued(app: Celery) -> list[Any]:
    """Return the messages in Celery's own queue, and take them."""
    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue(app.conf.task_default_queue)
        found = [queue.get(block=False) for _ in range(queue.qsize())]
        for message in found:
            message.ack()
        return found


def relay() -> Job:
    return Job.objects.get(kind="relay")


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


def test_a_relay_is_sent_once(app: Celery, job: Named, plain: Named, driver: Driver) -> None:
    chain(job.add.s(1), plain.add.s(1)).apply_async()
    driver.run_next()

    posting.post([relay().pk])
    relays.sweep()

    assert len(queued(app)) == 1


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


def test_a_relay_is_never_bound(job: Named, plain: Named, driver: Driver) -> None:
    chord([job.add.s(1), plain.add.s(2)], job.total.s()).apply_async()

    assert [lane.topic for lane in waiting_lanes()] == ["jobs/add"]


@pytest.mark.parametrize("engine_database", ["sqlite"], indirect=True)
def test_the_questions_of_the_sweep_use_their_index(app: Celery) -> None:
    open_relays = Job.objects.filter(state="PENDING", hold="relay").order_by("bound_at")

    assert "offload_job_relay" in open_relays.explain()


def test_a_relay_is_claimed_by_one(job: Named, plain: Named, driver: Driver) -> None:
    chord([job.add.s(1), plain.add.s(2)], job.total.s()).apply_async()
    fresh([relay().pk])

    [mine] = rows.claim([relay().pk])

    assert mine.pk == relay().pk
    assert rows.claim([mine.pk]) == []
    assert posting.post([mine.pk]) == 0
    assert posting.post_again(5.0, 50) == 0
    assert driver.sent() != []


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


def fresh(ids: list[str]) -> None:
    """Let relays be as they are before anybody began to send them."""
    Job.objects.ids(ids).update(publishes=0, bound_at=None)


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
    breaker.closed_at = 0.0

    for _ in range(3):
        relays.sweep()

    assert good.get().publishes == 1


def test_a_broker_that_stands_still_keeps_nobody(
    app: Celery, job: Named, plain: Named, breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(posting, "BROKER_TIMEOUT_SECONDS", 0.05)
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
