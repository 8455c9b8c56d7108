"""A job that a real worker hands over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from billiard.exceptions import TimeLimitExceeded

import offload
from offload.core.exceptions import JobFailed, StaleAttempt
from offload.core.states import JobState
from tests.acceptance.site.journal import events
from tests.acceptance.watching import add_queue, ended
from tests.polling import eventually

if TYPE_CHECKING:
    from offload import JobHandle
    from tests.acceptance.fleet import Fleet


def handed(job: JobHandle) -> str:
    """Return the token of a job once it was handed over."""
    eventually(lambda: job.row.is_handed_over, what=f"{job} is handed over")
    [token] = [one.what.split()[1] for one in events(job.id) if one.what.startswith("token")]
    return token


@pytest.mark.everywhere
def test_a_job_that_is_handed_over_holds_no_process_and_ends_by_its_token(
    fleet: Fleet, site: Any
) -> None:
    fleet.need()
    worker = fleet.start("one", concurrency=1)
    job = offload.submit("acc/farm")
    token = handed(job)
    assert (job.state, job.row.instance) == (JobState.ACTIVE, "")
    assert site.AsyncResult(job.id).state == "STARTED"

    other = offload.submit("acc/quick", {"value": "meanwhile"})
    assert other.result(30) == "meanwhile"
    assert other.row.instance == worker.name

    offload.progress(token, 1, 2, "half of it")
    assert job.row.progress == {"current": 1, "total": 2, "message": "half of it"}
    offload.complete(token, {"frames": 250})

    assert job.result(30) == site.AsyncResult(job.id).get(timeout=30) == {"frames": 250}
    with pytest.raises(StaleAttempt):
        offload.complete(token, "again")
    assert "moved on" not in worker.last_words()


def test_a_job_that_nobody_ends_in_its_time_is_ended_by_the_leader(fleet: Fleet, site: Any) -> None:
    add_queue("strict", ["acc/farm"], retries=0)
    fleet.need("a")

    job = offload.submit("acc/farm", {"seconds": 0.5}, queue="strict")

    assert ended(job).state == JobState.GIVEN_UP
    assert job.row.error == "it was handed over and not ended in time"
    with pytest.raises(TimeLimitExceeded):
        site.AsyncResult(job.id).get(timeout=30)


def test_the_death_of_its_worker_does_not_touch_it_and_its_next_attempt_runs_elsewhere(
    fleet: Fleet,
) -> None:
    fleet.need()
    first = fleet.start("one", concurrency=1)
    job = offload.submit("acc/farm")
    token = handed(job)

    first.kill()
    fleet.start("two", concurrency=1)
    witness = offload.submit("acc/quick", {"value": "the leader is at work"})
    assert witness.result(60) == "the leader is at work"
    eventually(lambda: first.row.mode == "gone", within=60, what=f"{first.name} is gone")
    assert (job.row.is_handed_over, job.row.crashes) == (True, 0)

    offload.fail(token, "the farm burns")
    again = eventually(
        lambda: job.row if job.row.epoch == 2 and job.row.is_handed_over else None,
        within=60,
        what="the next attempt hands over",
    )
    assert again.failures == 1
    second = events(job.id)[-2].what.split()[1]
    assert second != token
    offload.fail(second, "there is no farm", retry=False)

    assert ended(job).state == JobState.ERROR
    with pytest.raises(JobFailed, match="there is no farm"):
        job.result(1)
