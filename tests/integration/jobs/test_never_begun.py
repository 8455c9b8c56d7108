"""Attempts that end before their claim: failed as their queue says, or counted for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.core.placement.lanes import Lane
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.fleet.snapshots import snapshot
from offload.jobs import losses
from offload.models import Job, Queue
from offload.tracking import requeue
from offload.tracking.binding.bindings import bind
from offload.tracking.selectors import these
from tests.integration.world import TOPIC, bound, join, place, row
from tests.polling import eventually

if TYPE_CHECKING:
    from offload.tracking.binding.bindings import BoundJob


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def begins_never(job: BoundJob, cause: Cause = Cause.FAILED) -> Job:
    """Tell that a message came to nothing before its claim; return the job as it is then."""
    losses.ended((job.id, job.epoch), cause=cause, detail="cannot be read")
    return row(job.id)


@pytest.mark.parametrize("task", ["", "a.task"], ids=["consumer", "Celery task"])
def test_what_cannot_begin_is_a_failed_attempt_and_ends_as_its_queue_says(task: str) -> None:
    Queue.objects.create(name="strict", topics=[TOPIC], retries=1, retry_delay=0)
    snapshot(fresh=True)
    first = begins_never(bound(queue="strict", task=task)[0])
    assert (first.state, first.attempts, first.failures) == (JobState.PENDING, 1, 1)
    assert [one.error for one in first.ended_attempts.all()] == ["cannot be read"]

    # No delay at all is a hundredth of a second.
    eventually(requeue.release_due)
    last = begins_never(bind(place(), [Lane.parse(first.lane)], limit=1)[0])

    assert (last.state, last.attempts, last.failures) == (JobState.GIVEN_UP, 2, 2)
    assert last.error_type == "offload.core.exceptions.runtime.CannotBegin"
    assert last.error == "cannot be read"


def test_a_process_that_dies_before_the_claim_is_a_crash() -> None:
    found = begins_never(bound()[0], Cause.CRASHED)

    assert (found.state, found.attempts, found.crashes) == (JobState.PENDING, 1, 1)


def test_an_outage_before_the_claim_counts_nothing_and_leaves_the_job_bound() -> None:
    for cause in (Cause.LEASE_EXPIRED, Cause.STOPPED_FORCED):
        found = begins_never(bound()[0], cause)
        assert (found.state, found.attempts) == (JobState.QUEUED, 0)


def test_what_moved_on_is_not_ended_for_a_message_of_before() -> None:
    job = bound()[0]
    requeue.recall(these([job.id]), cause=Cause.REQUEUED)
    again = bind(place(), [Lane.parse(row(job.id).lane)], limit=1)[0]

    begins_never(job)

    assert (row(job.id).state, row(job.id).epoch) == (JobState.QUEUED, again.epoch)
