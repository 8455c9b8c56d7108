"""Retries that a job was submitted with."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.core.exceptions import InvalidNumber
from offload.core.retries import RetryPolicy
from offload.core.states import JobState
from offload.fleet.snapshots import snapshot
from offload.models import Job, Queue
from offload.operations import bulk
from offload.queues import own_retries
from offload.testing import run_jobs
from offload.worker.tasks.task import ConsumerTask, OffloadTask
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from offload.operations.handles import JobHandle


def broken(*_: Any, **__: Any) -> None:
    """Fail each time."""
    raise ValueError("never")


@pytest.fixture(autouse=True)
def _tasks(app: Celery) -> Iterator[None]:
    define(app, broken, name="tests.broken", base=ConsumerTask, topic="broken/consumer")
    define(app, broken, name="tests.task", base=OffloadTask, topic="broken/task")
    Queue.objects.create(name="patient", topics=["broken/consumer"], retries=4, retry_delay=1)
    snapshot(fresh=True)
    yield
    for name in ("tests.broken", "tests.task"):
        app.tasks.pop(name)


def attempts(job: JobHandle) -> int:
    """Run a job to its end; return how often it was tried."""
    run_jobs()
    assert job.state is JobState.GIVEN_UP
    return job.row.attempts


@pytest.mark.parametrize(("retries", "tried"), [(None, 5), (0, 1), (1, 2), (6, 7)])
def test_a_job_is_tried_as_often_as_it_was_submitted_for(retries: int | None, tried: int) -> None:
    assert attempts(offload.submit("broken/consumer", retries=retries)) == tried


def test_a_celery_task_too_is_retried_where_its_submitter_says_so() -> None:
    assert attempts(offload.submit("broken/task")) == 1
    assert attempts(offload.submit("broken/task", retries=2)) == 3


def test_what_is_retried_from_history_keeps_them() -> None:
    job = offload.submit_many("broken/consumer", [{}], retries=1)[0]
    attempts(job)
    assert attempts(job.retry()) == 2
    again = bulk.retry([job.id], again=True).changed[0].retried_as
    assert Job.objects.get(pk=again).options[own_retries.RETRY_OPTION] == {"retries": 1}


def test_the_delay_before_a_retry_may_be_its_own() -> None:
    job = offload.submit("broken/consumer", retry_delay=timedelta(minutes=5))
    policy = RetryPolicy(retries=4, delay=1.0)

    own = own_retries.of(policy, job.row.options)

    assert (own.retries, own.delay) == (4, 300.0)
    assert own_retries.of(policy, {}) is policy


@pytest.mark.parametrize(
    "fields",
    [
        {"retries": -2},
        {"retries": True},
        {"retries": "3"},
        {"retries": 1.5},
        {"retries": 10**9},
        {"retry_delay": -1},
        {"retry_delay": 1e300},
        {"retry_delay": float("nan")},
        {"retry_delay": "5s"},
    ],
)
def test_what_is_no_number_of_retries_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidNumber, match=next(iter(fields))):
        offload.submit("broken/consumer", **fields)
    assert not Job.objects.exists()


def test_numbers_that_somebody_wrote_into_the_row_are_the_nearest() -> None:
    policy = RetryPolicy(retries=4, delay=1.0)
    own = own_retries.of(policy, {own_retries.RETRY_OPTION: {"retries": 10**12, "delay": -5}})
    assert (own.retries, own.delay) == (1_000_000, 0.0)
