"""Every request to run again is counted, delayed and bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from celery import chain
from celery.exceptions import Reject, Retry

from offload.canvas.filling import FREE_REPLACEMENTS
from offload.core.exceptions import StillBusy
from offload.core.states import JobState
from offload.models import Job, Queue
from offload.operations.handles import JobHandle
from offload.testing import run_jobs
from offload.worker.tasks.current_job import current_job
from offload.worker.tasks.task import ConsumerTask, OffloadTask
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery


def by_hand(self: Any) -> None:
    """Ask for a retry without Celery's counting."""
    raise Retry(when=cast("Any", 0))


def reject(self: Any) -> None:
    """Put the message back."""
    raise Reject("not now", requeue=True)


def retry(self: Any) -> None:
    """Ask Celery for a retry without delay."""
    raise self.retry(countdown=0)


def resend(self: Any) -> None:
    """Send itself under its own id."""
    self.apply_async(task_id=self.request.id)


def fail(self: Any) -> None:
    """Fail."""
    raise ValueError("wrong")


def leave(self: Any) -> None:
    """End the process, or try to."""
    raise SystemExit(1)


WAYS = (by_hand, reject, retry, resend, fail, leave)


@pytest.fixture
def make(app: Celery) -> Iterator[Any]:
    """Return a decorator that makes a function a task of this base."""

    def make(function: Any, base: type) -> Any:
        return define(
            app, function, name="again.again", base=base, bind=True, topic="again/again",
            pattern="again/again",
        )  # fmt: skip

    yield make
    app.tasks.pop("again.again")


def consuming(function: Any) -> Any:
    """Return the function with the job before its arguments."""

    def consume(self: Any, job: Any) -> None:
        function(self)

    return consume


@pytest.mark.parametrize("function", WAYS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("base", [OffloadTask, ConsumerTask], ids=lambda one: one.__name__)
def test_every_way_to_ask_again_comes_to_an_end(make: Any, function: Any, base: type) -> None:
    task = make(function if base is OffloadTask else consuming(function), base)
    job = JobHandle(task.delay().id)

    attempts = run_jobs(most=100)

    assert job.state in {JobState.GIVEN_UP, JobState.ERROR}
    assert job.row.attempts == len(attempts) <= 11


@pytest.mark.parametrize("function", WAYS[:4], ids=lambda one: one.__name__)
def test_none_is_run_again_without_a_delay(make: Any, function: Any) -> None:
    job = JobHandle(make(function, OffloadTask).delay().id)

    with pytest.raises(StillBusy):
        run_jobs(most=1)

    assert Job.objects.filter(pk=job.id, state="PENDING", run_at__isnull=False).exists()


def replace(self: Any) -> None:
    """Put itself in its own place."""
    raise self.replace(self.si())


def step() -> None:
    """Do nothing."""


def replace_by_chain(self: Any) -> None:
    """Put a chain in its place that ends with itself."""
    raise self.replace(chain(self.app.tasks["again.step"].si(), self.si()))


def waits(job: JobHandle) -> bool:
    """Return whether the job waits for a time before it may run."""
    return Job.objects.filter(pk=job.id, run_at__isnull=False).exists()


@pytest.mark.parametrize("function", [replace, replace_by_chain], ids=lambda one: one.__name__)
def test_a_job_that_replaces_itself_is_slowed_down(app: Celery, make: Any, function: Any) -> None:
    define(app, step, name="again.step", base=OffloadTask, topic="again/step", pattern="again/step")
    job = JobHandle(make(function, OffloadTask).delay().id)

    with pytest.raises(StillBusy):
        run_jobs(most=4)
    assert not waits(job)

    with pytest.raises(StillBusy):
        run_jobs(most=60)
    assert waits(job)
    assert job.row.options["replaced_task_nesting"] > FREE_REPLACEMENTS
    app.tasks.pop("again.step")


def redelivered(self: Any) -> str:
    """Put the message back until the broker says that it did before."""
    if self.request.delivery_info["redelivered"]:
        return f"attempt {current_job().attempt}, retries {self.request.retries}"
    raise Reject("once more", requeue=True)


def test_a_message_that_was_put_back_says_so(make: Any) -> None:
    job = JobHandle(make(redelivered, OffloadTask).delay().id)

    run_jobs()

    assert job.result(0) == "attempt 2, retries 0"
    assert [one.cause for one in job.row.ended_attempts.all()] == ["rejected"]


def once(self: Any) -> bool:
    """Ask Celery for one retry; say what the broker says then."""
    if not self.request.retries:
        raise self.retry(countdown=0)
    return bool(self.request.delivery_info["redelivered"])


def test_a_retry_is_no_redelivery(make: Any) -> None:
    job = JobHandle(make(once, OffloadTask).delay().id)

    run_jobs()

    assert job.result(0) is False


def test_a_queue_says_how_often_a_job_may_be_put_back(make: Any) -> None:
    Queue.objects.create(name="twice", topics=["again/*"], retries=2)
    job = JobHandle(make(reject, OffloadTask).delay().id)

    run_jobs()

    assert (job.state, job.row.attempts) == (JobState.ERROR, 3)
    assert job.row.error == "the consumer rejected the job 3 times"
