"""`run_jobs()`, for the tests of sites."""

from __future__ import annotations

import asyncio
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord

import offload
from offload.core.exceptions import InvalidNumber, JobFailed, StillBusy
from offload.core.states import JobState
from offload.db import database
from offload.models import Instance, Job, Queue
from offload.testing import INSTANCE_NAME, run_jobs
from offload.worker.tasks.task import ConsumerTask
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.tasks import Named


class Abort(BaseException):
    """An error of a site that passes all its handlers."""


@pytest.fixture(params=["in a transaction", "outside"], autouse=True)
def _transaction(request: pytest.FixtureRequest, app: object) -> Iterator[None]:
    """Run in the transaction of a TestCase, and as a TransactionTestCase does."""
    with database.atomic() if request.param == "in a transaction" else nullcontext():
        yield


@pytest.fixture
def consumer(app: Celery) -> Iterator[None]:
    """Give the app a consumer of a pattern that takes files and asks for a retry by failing."""

    def shout(job: Any, *, fails: int = 0) -> str:
        if job.attempt <= fails:
            raise ValueError("not yet")
        with job.inputs["note.txt"].open() as file:
            job.outputs.add("loud.txt", file.read().upper())
        return f"{job.topic} on {job.instance}"

    define(app, shout, name="tests.shout", base=ConsumerTask, pattern="shout/*", topic="")
    yield
    app.tasks.pop("tests.shout")


def test_a_job_runs_with_its_files_and_its_retries_when_the_test_says_so(consumer: None) -> None:
    job = offload.submit("shout/out", {"fails": 2}, files={"note.txt": b"quiet"}, delay=3600)
    assert job.state == JobState.PENDING

    assert run_jobs() == [job, job, job]

    assert job.result(0) == f"shout/out on {INSTANCE_NAME}"
    assert (job.row.attempts, job.row.failures) == (3, 2)
    with job.outputs.get().open() as file:
        assert file.read() == b"QUIET"
    assert not Instance.objects.exists()


def test_a_canvas_runs_to_its_end(app: Celery, job: Named) -> None:
    result = chain(job.add.s(1, 2), chord([job.add.s(1), job.add.s(2)], job.total.s())).delay()

    assert len(run_jobs()) == 4

    assert app.AsyncResult(result.id).get(timeout=1) == 9


def test_a_failure_is_told_by_the_handle(job: Named) -> None:
    failed = offload.submit("jobs/fail")

    run_jobs()

    with pytest.raises(JobFailed, match="ValueError: wrong"):
        failed.result(0)


def test_what_nobody_consumes_and_what_is_suspended_waits(job: Named) -> None:
    Queue.objects.create(name="later", topics=["jobs/same"], suspended=True)
    for topic in ("nobody/knows", "jobs/same"):
        offload.submit(topic, {"value": 1})

    assert run_jobs() == []
    assert set(Job.objects.values_list("state", flat=True)) == {"PENDING"}


def test_rates_and_windows_of_time_are_skipped(job: Named) -> None:
    # Windows that cannot be read never open.
    Queue.objects.create(name="later", topics=["jobs/same"], rate="1/d", windows=["unreadable"])
    jobs = [offload.submit("jobs/same", {"value": number}) for number in range(3)]

    run_jobs()

    assert [one.row.state for one in jobs] == ["SUCCEEDED"] * 3


@pytest.fixture
def raising(app: Celery) -> Iterator[None]:
    """Give the app a consumer that raises what is no Exception."""

    def throw(job: Any, *, what: str) -> None:
        raise {
            "abort": Abort("enough"),
            "cancelled": asyncio.CancelledError("from outside"),
            "exit": SystemExit(3),
            "generator": GeneratorExit("closed"),
            "interrupt": KeyboardInterrupt("by hand"),
        }[what]

    define(app, throw, name="tests.throw", base=ConsumerTask, pattern="throw", topic="throw")
    Queue.objects.create(name="throw", topics=["throw"], retries=1)
    yield
    app.tasks.pop("tests.throw")


@pytest.mark.parametrize("what", ["abort", "cancelled", "exit", "generator"])
def test_what_is_no_exception_fails_the_attempt_as_one_does(
    app: Celery, raising: None, what: str
) -> None:
    thrown = offload.submit("throw", {"what": what})

    assert run_jobs() == [thrown, thrown]

    row = thrown.row
    assert (row.state, row.attempts, row.failures, row.crashes) == ("GIVEN_UP", 2, 2, 0)
    assert row.error
    name = row.error_type.rpartition(".")[2]
    assert name in row.traceback
    with pytest.raises(Exception) as raised:  # noqa: PT011 - of a class that Celery makes
        app.AsyncResult(thrown.id).get(timeout=1)
    assert type(raised.value).__name__ == name


def test_who_interrupts_a_test_ends_it_and_no_job_stays_active(raising: None) -> None:
    interrupted = offload.submit("throw", {"what": "interrupt"})

    with pytest.raises(KeyboardInterrupt):
        run_jobs()

    assert (interrupted.row.state, interrupted.row.failures) == ("PENDING", 1)


def test_jobs_without_an_end_are_not_run_for_ever(consumer: None) -> None:
    Queue.objects.create(name="for ever", topics=["shout/*"], retries=-1)
    offload.submit("shout/out", {"fails": 10_000}, files={"note.txt": b""})

    with pytest.raises(StillBusy, match="after 20 attempts"):
        run_jobs(most=20)

    # Nothing is bound that nobody runs.
    assert set(Job.objects.values_list("state", flat=True)) == {"PENDING"}


@pytest.mark.parametrize("most", [0, -1, 1.5, "x", None])
def test_how_many_to_run_is_a_number(app: Celery, most: Any) -> None:
    with pytest.raises(InvalidNumber, match="a whole number from 1"):
        run_jobs(most=most)


def test_as_many_as_there_are_may_be_the_most(job: Named) -> None:
    for _ in range(2):
        offload.submit("jobs/same", {"value": 1})

    assert len(run_jobs(most=2)) == 2


def test_system_checks_are_left_to_the_test_runner(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    def load() -> None:
        checked.append(os.environ.get("CELERY_SKIP_CHECKS", ""))

    monkeypatch.setattr(app.loader, "import_default_modules", load)

    run_jobs()

    assert checked == ["1"]
    assert "CELERY_SKIP_CHECKS" not in os.environ


@pytest.fixture
def eager(app: Celery) -> Iterator[None]:
    """Let tasks be run where they are called."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.mark.usefixtures("eager")
def test_a_run_that_retries_itself_does_so_once_also_where_tasks_are_called_at_once(
    job: Named, calls: list[Any]
) -> None:
    asked = offload.submit("jobs/once_more", {})

    assert run_jobs() == [asked, asked]

    assert calls == [[0], [1]]
    assert (asked.row.state, asked.row.attempts) == (JobState.GIVEN_UP, 2)


@pytest.mark.usefixtures("eager")
def test_a_submit_stores_a_job_also_where_tasks_are_called_at_once(job: Named) -> None:
    called = job.same.delay("at once")
    submitted = offload.submit("jobs/same", {"value": "in its time"})
    assert (called.get(), submitted.state) == ("at once", "PENDING")
    assert Job.objects.count() == 1

    assert run_jobs() == [submitted]

    assert submitted.result(0) == "in its time"
