from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery.exceptions import TaskRevokedError

import offload
from offload import JobHandle, PermanentError
from offload.core.exceptions import JobFailed
from offload.core.states import JobState
from offload.tracking import terminations
from tests.acceptance.watching import add_queue, ended, runner
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.fleet import Fleet

NOWHERE = "acc/nowhere"


def stopped() -> JobHandle:
    """Return a job that is stopped before it can run."""
    job = offload.submit(NOWHERE)
    assert offload.stop(job.id) == JobState.STOPPED
    return job


def dropped() -> JobHandle:
    """Return a job that is removed before it can run."""
    job = offload.submit(NOWHERE)
    terminations.drop([job.id])
    return job


#: How a job comes to each final state, what Celery calls it, and what get() raises.
ENDS: dict[JobState, tuple[Callable[[], JobHandle], str, type[Exception] | None]] = {
    JobState.SUCCEEDED: (lambda: offload.submit("acc/quick", {"value": [1]}), "SUCCESS", None),
    JobState.GIVEN_UP: (
        lambda: offload.submit("acc/flaky", {"times": 9}, queue="strict"),
        "FAILURE",
        ValueError,
    ),
    JobState.ERROR: (lambda: offload.submit("acc/hopeless"), "FAILURE", PermanentError),
    JobState.STOPPED: (stopped, "REVOKED", TaskRevokedError),
    JobState.DROPPED: (dropped, "REVOKED", TaskRevokedError),
    JobState.EXPIRED: (
        lambda: offload.submit(NOWHERE, expires=0.1),
        "REVOKED",
        TaskRevokedError,
    ),
}


def agrees(state: JobState, app: Any) -> None:
    """Check that Celery's result of a job says what the job's row says."""
    add_queue("strict", ["acc/flaky"], retries=0)
    submit, told, raised = ENDS[state]

    job = submit()
    row = ended(job)
    result = app.AsyncResult(job.id)
    eventually(lambda: result.state == told, what=f"{told} rather than {result.state}")

    assert row.state == state
    if raised is None:
        assert result.get(timeout=30) == job.result(30) == [1]
        return
    with pytest.raises(raised):
        result.get(timeout=30)
    with pytest.raises(JobFailed, match=state):
        job.result(30)


@pytest.mark.parametrize("state", list(ENDS), ids=str)
def test_the_result_in_the_database_agrees_with_the_state(
    fleet: Fleet, site: Any, state: JobState
) -> None:
    fleet.need("a", "b")
    agrees(state, site)


@pytest.mark.on("postgresql+redis")
@pytest.mark.site(ACCEPTANCE_RESULTS="broker")
@pytest.mark.parametrize("state", list(ENDS), ids=str)
def test_the_result_in_redis_agrees_with_the_state(
    fleet: Fleet, site: Any, state: JobState
) -> None:
    fleet.need("a")
    agrees(state, site)


@pytest.mark.on("postgresql+rabbitmq")
@pytest.mark.site(ACCEPTANCE_RESULTS="replies")
@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.GIVEN_UP], ids=str)
def test_a_result_is_sent_to_who_submitted(fleet: Fleet, site: Any, state: JobState) -> None:
    fleet.need("a")
    agrees(state, site)


@pytest.mark.everywhere
def test_a_running_job_is_started_and_a_waiting_one_pending(fleet: Fleet, site: Any) -> None:
    fleet.need("a", "b")
    waiting = offload.submit(NOWHERE)
    job = offload.submit("acc/sleep", {"seconds": 1})
    runner(fleet, job)

    assert site.AsyncResult(job.id).state == "STARTED"
    assert site.AsyncResult(waiting.id).state == "PENDING"
    assert ended(job).state == JobState.SUCCEEDED


@pytest.mark.everywhere
def test_files_come_back_and_a_failed_attempt_is_retried(fleet: Fleet) -> None:
    fleet.need("a", "b")

    echo = offload.submit("acc/echo", files={"words.txt": b"hear me"})
    flaky = offload.submit("acc/flaky", {"times": 2})

    assert echo.result(30) == ["words.txt"]
    [file] = echo.outputs
    with file.open() as made:
        assert (file.name, made.read()) == ("loud-words.txt", b"HEAR ME")
    assert flaky.result(30) == "well"
    assert (flaky.row.attempts, flaky.row.failures) == (3, 2)
