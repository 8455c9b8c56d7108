"""Celery's hooks of a job: inside its attempt and once, whatever they raise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from celery.app.trace import build_tracer, trace_task
from celery.exceptions import Ignore, Reject

from offload.core.states import JobState
from offload.models import Attempt, Queue
from offload.operations.handles import JobHandle
from offload.testing import INSTANCE_NAME, run_jobs
from offload.worker.tasks.current import current_job
from offload.worker.tasks.task import ConsumerTask, OffloadTask
from tests.integration.driving.tasks import NOTES, define
from tests.parameters import without_addresses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

HOOKS = ("before_start", "on_success", "on_failure", "on_retry", "after_return")


def said(self: Any, name: str) -> None:
    """Note a hook, and the job it knows of; raise where the task says so."""
    NOTES.append(name)
    # None of them runs without its job.
    if self.request.get("offload"):
        assert current_job().id == self.request.id
    if self.bad == name:
        raise self.error


class Hooked(OffloadTask):
    """A task with every hook; one of them may raise."""

    abstract = True
    bad = ""
    error: BaseException = RuntimeError("hook")

    def before_start(self, *_: Any) -> None:
        """Note it."""
        said(self, "before_start")

    def on_success(self, *_: Any) -> None:
        """Note it."""
        said(self, "on_success")

    def on_failure(self, *_: Any) -> None:
        """Note it."""
        said(self, "on_failure")

    def on_retry(self, *_: Any) -> None:
        """Note it."""
        said(self, "on_retry")

    def after_return(self, *_: Any) -> None:
        """Note it."""
        said(self, "after_return")


class HookedConsumer(Hooked, ConsumerTask):
    """A consumer with every hook."""

    abstract = True


def run(self: Any, fails: int = 0) -> str:
    """Fail by a retry of Celery's as often as is asked for."""
    NOTES.append("run")
    if self.request.retries < fails:
        raise self.retry(countdown=0, exc=ValueError("not yet"))
    return "well"


def consume(job: Any, fails: int = 0) -> str:
    """Fail as often as is asked for."""
    NOTES.append("run")
    if job.attempt <= fails:
        raise ValueError("not yet")
    return "well"


def who(self: Any) -> tuple[str, bool]:
    """Return what the request says."""
    return self.request.id, self.request.is_eager


def echo(**given: Any) -> dict[str, Any]:
    """Return what was given."""
    return given


@pytest.fixture
def hooked(app: Celery, calls: list[Any]) -> Iterator[Any]:
    """Return what defines a task with hooks, of which one is bad."""
    names: list[str] = []

    def make(bad: str = "", base: type = Hooked, function: Any = run, **options: Any) -> Any:
        names.append(f"hooked.{len(names)}")
        bound = function is run
        options = {"bind": bound, "max_retries": 1, **options}
        return define(
            app, function, name=names[-1], base=base, topic=f"hooked/{len(names)}",
            pattern="", bad=bad, **options,
        )  # fmt: skip

    yield make
    for name in names:
        app.tasks.pop(name)


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


def test_a_hook_that_raises_before_the_run_is_a_failed_attempt(
    hooked: Any, calls: list[Any]
) -> None:
    job = JobHandle(hooked(bad="before_start").delay().id)

    run_jobs()

    assert (job.state, job.row.error_type) == (JobState.GIVEN_UP, "builtins.RuntimeError")
    assert (job.row.attempts, job.row.failures) == (1, 1)
    assert calls == ["before_start", "on_failure", "after_return"]


def test_it_is_retried_as_the_queue_says(hooked: Any, calls: list[Any]) -> None:
    Queue.objects.create(name="twice", topics=["hooked/*"], retries=1, retry_delay=0)
    task = hooked(bad="before_start", base=HookedConsumer, function=consume)
    job = JobHandle(task.delay().id)

    run_jobs()

    assert (job.state, job.row.attempts, job.row.failures) == (JobState.GIVEN_UP, 2, 2)
    assert calls == ["before_start", "on_retry", "before_start", "on_failure", "after_return"]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (SystemExit(3), JobState.GIVEN_UP),
        (Ignore(), JobState.SUCCEEDED),
        (Reject("no", requeue=False), JobState.ERROR),
    ],
    ids=without_addresses,
)
def test_what_celery_means_by_an_exception_is_meant_before_the_run_too(
    hooked: Any, calls: list[Any], error: BaseException, state: JobState
) -> None:
    job = JobHandle(hooked(bad="before_start", error=error).delay().id)

    run_jobs()

    assert (job.state, job.row.attempts, calls.count("run")) == (state, 1, 0)


@pytest.mark.parametrize(
    ("bad", "fails", "state", "count"),
    [
        ("on_success", 0, JobState.SUCCEEDED, 1),
        ("after_return", 0, JobState.SUCCEEDED, 1),
        ("on_failure", 9, JobState.GIVEN_UP, 1),
        ("on_retry", 1, JobState.SUCCEEDED, 1),
    ],
)
def test_a_hook_that_raises_after_the_end_changes_nothing_and_is_called_once(
    hooked: Any, calls: list[Any], bad: str, fails: int, state: JobState, count: int,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    job = JobHandle(hooked(bad=bad).delay(fails=fails).id)

    run_jobs()

    assert (job.state, calls.count(bad)) == (state, count)
    assert "on_failure" not in calls or state == JobState.GIVEN_UP
    assert "RuntimeError: hook" in caplog.text


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


NAMES = ("self", "args", "kwargs", "task", "attempt", "request", "fun", "cls", "name")


@pytest.mark.parametrize("name", NAMES)
def test_no_name_that_users_give_meets_one_of_ours(
    app: Celery, hooked: Any, calls: list[Any], name: str
) -> None:
    task = hooked(function=echo)
    given = {name: 1}

    first, second = JobHandle(task.delay(**given).id), JobHandle(task.s(**given).apply_async().id)
    run_jobs()

    assert first.result(0) == second.result(0) == given
    assert task.apply(kwargs=given).get() == given
    assert task(**given) == given
    assert task.si(**given).kwargs == given
    assert not Attempt.objects.exists()


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
