"""Hooks that raise: before the run that is a failed attempt, after its end it changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from celery.exceptions import Ignore, Reject

from offload.core.states import JobState
from offload.models import Queue
from offload.operations.handles import JobHandle
from offload.testing import run_jobs
from offload.worker.tasks.task import ConsumerTask
from tests.integration.driving.tasks import NOTES
from tests.integration.worker.tasks.hooked import Hooked
from tests.parameters import without_addresses


class HookedConsumer(Hooked, ConsumerTask):
    """A consumer with every hook."""

    abstract = True


def consume(job: Any, fails: int = 0) -> str:
    """Fail as often as is asked for."""
    NOTES.append("run")
    if job.attempt <= fails:
        raise ValueError("not yet")
    return "well"


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
