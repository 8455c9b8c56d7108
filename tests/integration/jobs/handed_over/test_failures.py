"""Attempts that were handed over fail outside, or by their deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django_celery_results.models import TaskResult

import offload
from offload.core.attempt_key import AttemptKey
from offload.core.exceptions import FailedOutside, StaleAttempt
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.fleet.snapshots import snapshot
from offload.jobs import async_completion
from offload.models import Attempt, Job, Queue
from offload.tracking import claiming
from offload.tracking.async_completion import overdue
from offload.tracking.binding.bindings import bind
from tests.integration.jobs.situations import NEXT, handed
from tests.integration.world import LANE, TASK, age, join, place, row

if TYPE_CHECKING:
    from celery import Celery


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def patient(retries: int) -> None:
    """Make a queue that retries so often."""
    Queue.objects.create(name="patient", topics=["x"], retries=retries, retry_delay=30)
    snapshot(fresh=True)


def test_a_failure_outside_is_retried_as_the_queue_says() -> None:
    patient(retries=1)
    run, token = handed(queue="patient")

    offload.fail(token, "the farm burns")

    assert (run.row.state, run.row.failures, run.row.crashes) == (JobState.PENDING, 1, 0)
    assert (run.row.handed_until, run.row.run_at is not None) == (None, True)
    attempt = Attempt.objects.get()
    assert (attempt.cause, attempt.error) == (Cause.FAILED, "the farm burns")


def test_the_next_attempt_runs_on_an_instance_again() -> None:
    run, token = handed()
    offload.fail(token, "the farm burns")
    Job.objects.update(run_at=None)

    [again] = bind(place(), [LANE], limit=1)

    assert (again.epoch, row(run.id).is_handed_over) == (2, False)
    with pytest.raises(StaleAttempt):
        offload.complete(token, "of yesterday")


@pytest.mark.parametrize(
    ("retries", "retry", "state"), [(0, True, JobState.GIVEN_UP), (5, False, JobState.ERROR)]
)
def test_a_failure_outside_that_is_the_last_one_ends_the_job(
    app: Celery, followed: list[Any], retries: int, retry: bool, state: JobState
) -> None:
    patient(retries)
    run, token = handed(queue="patient", tail=NEXT, has_tail=True)

    offload.fail(token, "the \x00farm burns", retry=retry)

    assert (run.row.state, run.row.error) == (state, "the \\x00farm burns")
    assert (run.row.failures, run.row.aftermath_due) == (1, False)
    with pytest.raises(FailedOutside, match="farm burns"):
        app.AsyncResult(run.id).get(timeout=1)
    assert [(end.state, end.job_state) for end in followed] == [("FAILURE", state)]


def test_a_called_task_is_not_retried_as_celery_would_not() -> None:
    run, token = handed(task=TASK)

    offload.fail(token, "the farm burns")

    assert run.row.state == JobState.GIVEN_UP


def test_a_deadline_that_passes_is_a_failed_attempt() -> None:
    patient(retries=1)
    run, token = handed(queue="patient", timeout=60)
    async_completion.time_out()
    assert run.row.is_handed_over
    age([run.id], "handed_until", seconds=61)

    async_completion.time_out()

    assert (run.row.state, run.row.failures, run.row.crashes) == (JobState.PENDING, 1, 0)
    assert Attempt.objects.get().cause == Cause.TIMED_OUT
    with pytest.raises(StaleAttempt):
        offload.complete(token)


def test_a_deadline_that_passes_once_too_often_ends_the_job() -> None:
    patient(retries=0)
    run, _ = handed(queue="patient", timeout=0)

    async_completion.time_out()

    assert (run.row.state, run.row.error) == (JobState.GIVEN_UP, async_completion.OVERDUE_MESSAGE)
    assert TaskResult.objects.get(task_id=run.id).status == "FAILURE"


def test_a_new_attempt_does_not_pay_for_the_deadline_of_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The leader read who was overdue, and was slow to act by it."""
    run, token = handed(timeout=0)
    late = overdue()
    assert late == [(run.id, 1)]
    offload.fail(token, "the farm burns")
    Job.objects.update(run_at=None)
    [again] = bind(place(), [LANE], limit=1)
    claiming.claim(AttemptKey(job_id=run.id, epoch=again.epoch, token=str(uuid4())))
    monkeypatch.setattr("offload.tracking.async_completion.overdue", lambda limit: late)

    async_completion.time_out()

    assert (run.row.state, run.row.epoch) == (JobState.ACTIVE, 2)
