"""Logs of runs: stored while they run, whole once they have ended."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError
from django.test import override_settings

import offload
from offload.core.exceptions import UnknownJob
from offload.core.job_log import BURST
from offload.models import AttemptLog, Job, Queue
from offload.testing import run_jobs
from offload.tracking import logs
from offload.worker.tasks.task import ConsumerTask
from tests.integration.driving.tasks import define
from tests.integration.world import statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from celery import Celery

#: More lines than may be written one by one.
MANY = int(BURST) + 5


@pytest.fixture
def run(app: Celery) -> Iterator[Callable[..., offload.JobHandle]]:
    """Return a function that runs a function as a job; it may fail once."""
    Queue.objects.create(name="work", topics=["work"], retries=1, retry_delay=0)

    def start(function: Callable[[Any], object]) -> offload.JobHandle:
        def work(job: Any) -> object:
            return function(job)

        define(app, work, name="tests.work", base=ConsumerTask, pattern="work", topic="work")
        job = offload.submit("work")
        run_jobs()
        return job

    yield start
    app.tasks.pop("tests.work", None)


def texts(job: offload.JobHandle) -> list[str]:
    """Return the texts of what a job has logged."""
    return [line.text for line in job.logs()]


def test_lines_are_there_while_the_job_runs(run: Callable[..., offload.JobHandle]) -> None:
    seen: list[list[str]] = []

    def work(job: Any) -> None:
        job.log("read the scene")
        seen.append(texts(offload.JobHandle(job.id)))
        job.log(b"odd", level="warning")

    job = run(work)

    assert seen == [["read the scene"]]
    assert [(one.level, one.text) for one in job.logs()] == [
        ("INFO", "read the scene"),
        ("WARNING", "b'odd'"),
    ]


def test_many_lines_take_few_writes_and_all_are_there_in_the_end(
    run: Callable[..., offload.JobHandle],
) -> None:
    seen: list[int] = []

    def work(job: Any) -> None:
        for number in range(MANY):
            job.log(f"frame {number}")
        seen.append(len(offload.JobHandle(job.id).logs()))

    job = run(work)

    assert seen == [int(BURST)]
    assert texts(job) == [f"frame {number}" for number in range(MANY)]


def test_each_attempt_keeps_its_own(run: Callable[..., offload.JobHandle]) -> None:
    def work(job: Any) -> None:
        job.log(f"attempt {job.attempt}")
        if job.attempt == 1:
            raise ValueError("no")

    job = run(work)

    assert job.state == "SUCCEEDED"
    assert texts(job) == ["attempt 1", "attempt 2"]
    assert AttemptLog.objects.filter(job=job.id).count() == 2


def test_an_attempt_that_was_overtaken_writes_nothing(
    run: Callable[..., offload.JobHandle],
) -> None:
    def work(job: Any) -> None:
        Job.objects.filter(pk=job.id).update(epoch=99)
        job.log("too late")

    assert texts(run(work)) == []


def test_a_run_that_logs_nothing_costs_no_statement(
    run: Callable[..., offload.JobHandle],
) -> None:
    with statements() as asked:
        job = run(lambda job: None)
    assert job.state == "SUCCEEDED"
    assert asked
    assert [one for one in asked if "attemptlog" in one] == []


def test_what_cannot_be_written_now_is_written_with_later_lines(
    run: Callable[..., offload.JobHandle], monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = logs.write, []

    def fail_once(*given: Any) -> bool:
        calls.append(given)
        if len(calls) == 1:
            raise OperationalError("away")
        return write(*given)

    monkeypatch.setattr(logs, "write", fail_once)

    def work(job: Any) -> None:
        job.log("first")
        job.log("second")

    assert texts(run(work)) == ["first", "second"]


def test_the_last_lines_are_kept_as_the_settings_say(
    run: Callable[..., offload.JobHandle], settings: Any
) -> None:
    def work(job: Any) -> None:
        for number in range(5):
            job.log(number)

    with override_settings(OFFLOAD={**settings.OFFLOAD, "LOG_LINES": 2}):
        job = run(work)

    assert texts(job) == ["3", "4"]
    assert AttemptLog.objects.get(job=job.id).count == 5


def test_none_are_kept_if_the_settings_say_so(
    run: Callable[..., offload.JobHandle], settings: Any
) -> None:
    with override_settings(OFFLOAD={**settings.OFFLOAD, "LOG_LINES": 0}):
        job = run(lambda job: job.log("a"))

    assert job.state == "SUCCEEDED"
    assert not AttemptLog.objects.exists()


def test_what_the_site_logs_during_a_run_is_added_by_the_handler(
    run: Callable[..., offload.JobHandle],
) -> None:
    site = logging.getLogger("tests.site")
    handler = offload.JobLogHandler()
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    site.addHandler(handler)
    try:
        site.error("outside of any job")
        job = run(lambda job: site.warning("%d frames", 3))
    finally:
        site.removeHandler(handler)

    assert [(one.level, one.text) for one in job.logs()] == [("WARNING", "tests.site: 3 frames")]


def test_statements_that_are_logged_while_a_log_is_written_wait_for_the_next_write(
    run: Callable[..., offload.JobHandle],
) -> None:
    handler = offload.JobLogHandler()
    tracker = logging.getLogger("tests.tracker")
    tracker.addHandler(handler)
    write = logs.write

    def loud(*given: Any) -> bool:
        tracker.warning("a statement")
        return write(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "write", loud)
        job = run(lambda job: job.log("a line"))
    tracker.removeHandler(handler)

    assert texts(job)[0] == "a line"
    assert set(texts(job)) <= {"a line", "a statement"}


def test_the_log_goes_with_its_job(run: Callable[..., offload.JobHandle]) -> None:
    job = run(lambda job: job.log("a"))
    Job.objects.filter(pk=job.id).delete()

    assert not AttemptLog.objects.exists()
    with pytest.raises(UnknownJob):
        job.logs()
