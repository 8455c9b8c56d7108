"""A run follows the row; a message is only a hint that there is something to run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from celery.app.trace import trace_task
from django.db import OperationalError

import offload
from offload.core.exceptions import UnfitProperties
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.jobs import claims
from offload.models import Job, Queue, Slot
from offload.operations.handles import JobHandle
from offload.testing import INSTANCE_NAME, _bound, run_jobs
from offload.worker.liveness import lease
from offload.worker.pool import tracing
from offload.worker.tasks.attempts import NotBegun
from offload.worker.tasks.task import ConsumerTask
from tests.integration.driving.tasks import define
from tests.integration.world import join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.tasks import Named


@pytest.fixture
def deliver(app: Celery) -> Any:
    """Return a function that binds the waiting job and delivers its message, or a similar one."""
    Slot.objects.get_or_create(instance=INSTANCE_NAME)

    def deliver(task: Any, *args: Any, header: dict[str, Any] | None = None, **said: Any) -> Any:
        bound = _bound(app)
        assert bound is not None
        told = {"v": 1, "id": bound.id, "epoch": bound.epoch, "topic": bound.topic}
        request = {
            "id": bound.id, "task": task.name, "hostname": INSTANCE_NAME, "delivery_info": {},
            "offload": {**told, **(header or {})}, **said,
        }  # fmt: skip
        return trace_task(task, bound.id, args, {}, request=request, app=app)

    return deliver


def test_other_arguments_and_another_task_than_the_rows_are_not_believed(
    job: Named, deliver: Any, calls: list[Any]
) -> None:
    handle = JobHandle(job.add.delay(1, 2).id)

    deliver(job.note, "other", "arguments")

    assert handle.result(0) == 3
    assert calls == []


def test_nothing_hangs_on_a_message(job: Named, plain: Named, deliver: Any, driver: Any) -> None:
    handle = JobHandle(job.add.delay(1, 2).id)
    tail = [plain.note.s()]

    deliver(job.add, callbacks=tail, chain=tail, chord=plain.total.s(), retries=99)

    assert handle.result(0) == 3
    assert driver.sent() == []


@pytest.mark.parametrize("said", [{"hostname": "another@host"}, {"header": {"epoch": 7}}], ids=str)
def test_a_message_for_another_binding_begins_nothing(
    job: Named, deliver: Any, said: dict[str, Any]
) -> None:
    handle = JobHandle(job.add.delay(1, 2).id)

    deliver(job.add, **said)

    assert (handle.state, handle.row.attempts) == (JobState.QUEUED, 0)


@pytest.fixture
def another_incarnation() -> Iterator[None]:
    """Let this process be a worker of another incarnation than any."""
    lease.extend(float("inf"), "4c2e0f1a-0000-4000-8000-000000000000")
    yield
    lease.extend(float("inf"))


@pytest.mark.usefixtures("another_incarnation")
def test_a_message_for_another_incarnation_begins_nothing(job: Named, deliver: Any) -> None:
    handle = JobHandle(job.add.delay(1, 2).id)

    deliver(job.add)

    assert (handle.state, handle.row.attempts) == (JobState.QUEUED, 0)


def test_what_fails_before_the_claim_is_bounded_by_the_queue(
    job: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    Queue.objects.create(name="strict", topics=["jobs/*"], retries=2, retry_delay=0)
    handle = JobHandle(job.add.delay(1, 2).id)
    monkeypatch.setattr(tracing, "new_secret", lambda: 1 // 0)

    run_jobs(most=5)

    row = handle.row
    assert (row.state, row.attempts, row.failures) == (JobState.GIVEN_UP, 3, 3)
    assert "ZeroDivisionError" in row.error


def test_a_database_that_is_away_is_told_as_an_outage(
    job: Named, deliver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("gone")

    job.add.delay(1, 2)
    monkeypatch.setattr(claims, "begin", away)
    monkeypatch.setattr(tracing, "keep_trying", lambda act, **_: act())

    error = deliver(job.add).info.retval

    assert isinstance(error, NotBegun)
    assert error.cause == Cause.LEASE_EXPIRED


def takes(job: Any, *, width: int, height: int = 1) -> int:
    """Return the arguments."""
    return width * height


@pytest.fixture
def consumer(app: Celery) -> Iterator[Any]:
    """Give the app a consumer."""
    yield define(app, takes, name="takes", base=ConsumerTask, pattern="takes/*", topic="")
    app.tasks.pop("takes")


WRONG = {
    "misspelt": ({"widht": 1}, "did you mean 'width'?"),
    "missing": ({}, "needs 'width'"),
    "too many": ({"width": 1, "depth": 1}, "does not take 'depth'"),
    "the job itself": ({"width": 1, "job": 1}, "name of the job itself"),
}


@pytest.mark.usefixtures("consumer")
@pytest.mark.parametrize(("properties", "told"), WRONG.values(), ids=WRONG)
def test_a_call_that_can_never_succeed_is_refused_where_it_is_made(
    app: Celery, properties: dict[str, Any], told: str
) -> None:
    task: Any = app.tasks["takes"]
    for submit in (
        lambda: offload.submit("takes/x", properties),
        lambda: offload.submit_many("takes/x", [{"width": 1}, properties]),
        lambda: task.apply_async(kwargs=properties, offload_topic="takes/x"),
        lambda: app.send_task("takes", kwargs=properties, offload_topic="takes/x"),
    ):
        with pytest.raises(UnfitProperties, match=re.escape(told)):
            submit()

    assert not Job.objects.exists()


def announced(name: str, takes: str | None) -> None:
    """Let an instance announce a consumer that this process does not have."""
    one = {"pattern": "far/*", "task": "far.away", **({} if takes is None else {"takes": takes})}
    join(name, consumers=[one])


def test_it_is_refused_by_what_instances_announce(app: Celery) -> None:
    announced("a@there", "width job!")

    with pytest.raises(UnfitProperties, match="did you mean 'width'"):
        offload.submit("far/away", {"with": 1})
    assert offload.submit("far/away", {"width": 1}).state


@pytest.mark.parametrize("other", ["with job!", "job! **", None], ids=str)
def test_it_is_not_refused_where_one_of_them_may_take_it(app: Celery, other: str | None) -> None:
    announced("a@there", "width job!")
    announced("b@there", other)

    assert offload.submit("far/away", {"with": 1}).state


@pytest.mark.usefixtures("consumer")
def test_a_call_that_does_not_fit_ends_as_an_error_at_its_first_attempt(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("offload.operations.submission.check_names", lambda *_: None)
        job = offload.submit("takes/x", {"widht": 1})

    run_jobs()

    assert (job.state, job.row.attempts) == (JobState.ERROR, 1)
    assert job.row.error_type == "offload.core.exceptions.runtime.WrongCall"
    assert "'width'" in job.row.error


def test_a_wrong_call_of_a_celery_task_is_a_type_error_to_who_awaits_it(
    app: Celery, job: Named
) -> None:
    result = app.send_task("jobs.add", (1, 2, 3))

    run_jobs()

    with pytest.raises(TypeError):
        result.get(timeout=1)
