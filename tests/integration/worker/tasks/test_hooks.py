"""Celery's hooks of a job: inside its attempt and once, whatever they raise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from celery.app.trace import build_tracer, trace_task

from offload.core.states import JobState
from offload.operations.handles import JobHandle
from offload.testing import INSTANCE_NAME, run_jobs
from offload.worker.tasks.task import ConsumerTask, OffloadTask
from tests.integration.driving.tasks import NOTES, define
from tests.integration.worker.tasks.hooked import Hooked

if TYPE_CHECKING:
    from celery import Celery


def who(self: Any) -> tuple[str, bool]:
    """Return the id in the request."""
    return self.request.id, self.request.is_eager


def test_a_job_calls_its_hooks_as_celery_does(hooked: Any, calls: list[Any]) -> None:
    hooked().delay()
    run_jobs()
    assert calls == ["before_start", "run", "on_success", "after_return"]


def test_a_retry_and_what_follows_it_call_their_hooks(hooked: Any, calls: list[Any]) -> None:
    hooked().delay(fails=1)
    run_jobs()
    assert calls == ["before_start", "run", "on_retry", "before_start", "run", "on_success",
                     "after_return"]  # fmt: skip


def test_a_failure_calls_its_hooks(hooked: Any, calls: list[Any]) -> None:
    hooked().delay(fails=9)
    run_jobs()
    assert calls[-4:] == ["before_start", "run", "on_failure", "after_return"]


def test_a_stale_delivery_calls_no_hook(hooked: Any, app: Celery, calls: list[Any]) -> None:
    task = hooked()
    job = JobHandle(task.delay().id)
    run_jobs()
    header = {"v": 1, "id": job.id, "epoch": job.row.epoch, "topic": job.row.topic}
    request = {"id": job.id, "task": task.name, "hostname": INSTANCE_NAME, "offload": header}
    calls.clear()

    trace_task(task, job.id, (), {}, request=request, app=app)

    assert (calls, job.row.attempts) == ([], 1)


def test_a_hook_of_a_base_class_is_a_part_of_the_one_that_calls_it(
    app: Celery, hooked: Any, calls: list[Any]
) -> None:
    class Base(Hooked):
        name, topic, bad = "hooked.base", "hooked/base", "before_start"

        def run(self) -> None:
            """Do nothing."""

    class Derived(Base):
        name, topic, pattern = "hooked.derived", "hooked/derived", ""

        def before_start(self, *args: Any) -> None:
            """Go on after the hook of the base class, if that lets it."""
            super().before_start(*args)
            calls.append("after it")

    for kind in (Base, Derived):
        app.register_task(kind())
    job = JobHandle(app.tasks["hooked.derived"].delay().id)

    run_jobs()

    assert (job.state, calls) == (JobState.GIVEN_UP, ["before_start", "on_failure", "after_return"])
    for name in ("hooked.base", "hooked.derived"):
        app.tasks.pop(name)


def test_an_eager_call_has_its_request_and_its_hooks(hooked: Any, calls: list[Any]) -> None:
    task = hooked(function=who, bind=True)

    assert task.apply(task_id="mine").get() == ("mine", True)
    assert calls == ["before_start", "on_success", "after_return"]
    assert build_tracer(task.name, task, app=task.app) is not None


class Told(OffloadTask):
    """A task that notes why it is retried."""

    abstract = True

    def on_retry(self, exc: Any, *_: Any) -> None:
        """Note the reason."""
        NOTES.append(repr(exc))


class ToldConsumer(Told, ConsumerTask):
    """A consumer that notes it."""

    abstract = True


def raises(job: Any) -> None:
    """Fail at first."""
    if job.attempt == 1:
        raise ValueError("why")


def asks(self: Any) -> None:
    """Ask for another attempt at first."""
    if self.request.retries == 0:
        raise self.retry(exc=ValueError("why"), countdown=0)


@pytest.mark.parametrize(
    ("function", "options"),
    [(raises, {"base": ToldConsumer}), (asks, {"base": Told, "bind": True})],
    ids=["a consumer", "a task"],
)
def test_why_a_run_is_retried_is_told_to_its_hook_and_to_the_log(
    app: Celery, calls: list[Any], caplog: pytest.LogCaptureFixture,
    function: Any, options: dict[str, Any],
) -> None:  # fmt: skip
    define(app, function, name="tests.told", topic="told", **options)
    caplog.set_level("INFO", "celery.app.trace")
    try:
        app.tasks["tests.told"].delay()
        assert len(run_jobs()) == 2
    finally:
        app.tasks.pop("tests.told")

    assert calls == ["ValueError('why')"]
    (line,) = [one for one in caplog.messages if " retry: " in one]
    assert re.search(r"retry: Retry in [\d.]+s: ValueError\('why'\)$", line)
