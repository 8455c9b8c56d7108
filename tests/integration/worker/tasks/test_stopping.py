"""Runs that are asked to stop, and the ends of their jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload import JobStopped, OffloadTask, current_job
from offload.core.exceptions import StaleAttempt
from offload.management.job_text import asked_to_stop
from offload.models import Job, Queue
from offload.testing import run_jobs
from offload.worker.tasks.task import ConsumerTask
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

pytestmark = pytest.mark.usefixtures("consumers")


def work(job: Any, *, what: str) -> str:
    """Be asked to stop on the way, and see it or not."""
    job.check_stop()
    if what != "unasked":
        offload.stop(job.id)
    match what:
        case "checks":
            job.check_stop()
        case "unasked":
            raise JobStopped(job_id=job.id)
        case "fails":
            raise ValueError("no")
        case "overtaken":
            Job.objects.filter(pk=job.id).update(epoch=99)
            with pytest.raises(StaleAttempt):
                job.check_stop()
    return "done"


def deep() -> None:
    """Look for a stop far below a task."""
    job = current_job()
    offload.stop(job.id)
    job.check_stop()


@pytest.fixture
def consumers(app: Celery) -> Iterator[None]:
    """Give the app a consumer and a Celery task that are asked to stop."""
    define(app, work, name="tests.work", base=ConsumerTask, pattern="work", topic="work")
    define(app, deep, name="tests.deep", base=OffloadTask, pattern="deep", topic="deep")
    Queue.objects.create(name="work", topics=["work"], retries=1, retry_delay=0)
    yield
    for name in ("tests.work", "tests.deep"):
        app.tasks.pop(name)


def test_a_run_that_checks_ends_as_stopped(app: Celery) -> None:
    job = offload.submit("work", {"what": "checks"})

    assert run_jobs() == [job]

    assert (job.state, job.stop_requested, job.row.failures) == ("STOPPED", True, 0)
    assert [one.cause for one in job.row.ended_attempts.all()] == ["stopped"]
    assert str(app.AsyncResult(job.id).state) == "REVOKED"
    assert asked_to_stop(job.row) == ""


def test_a_celery_task_does_so_too_which_is_never_retried(app: Celery) -> None:
    job = offload.JobHandle(app.tasks["tests.deep"].delay().id)

    run_jobs()

    assert job.state == "STOPPED"


def test_a_run_that_does_its_work_all_the_same_has_succeeded_and_both_are_shown() -> None:
    job = offload.submit("work", {"what": "returns"})

    run_jobs()

    assert (job.result(0), job.state, job.stop_requested) == ("done", "SUCCEEDED", True)
    assert asked_to_stop(job.row) == "It was asked to stop, and ended otherwise."


def test_a_run_that_fails_after_it_was_asked_is_not_tried_again() -> None:
    job = offload.submit("work", {"what": "fails"})

    assert run_jobs() == [job]

    assert job.state == "STOPPED"
    assert [one.cause for one in job.row.ended_attempts.all()] == ["failed"]


def test_who_says_that_it_stopped_and_was_not_asked_has_failed() -> None:
    job = offload.submit("work", {"what": "unasked"})

    assert run_jobs() == [job, job]

    assert (job.state, job.row.failures, job.stop_requested) == ("GIVEN_UP", 2, False)


def test_a_run_that_was_overtaken_is_told_so_too() -> None:
    job = offload.submit("work", {"what": "overtaken"})

    run_jobs()

    assert job.state == "ACTIVE"
