"""Handles of jobs."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections, router, transaction

from offload.core.exceptions import JobFailed, JobTimeout, UnknownJob
from offload.core.states import JobState
from offload.jobs import endings, stopping
from offload.models import Job
from offload.operations.handles import JobHandle
from offload.tracking import finishing, terminations
from tests.integration.world import join, running, waiting


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


@pytest.mark.parametrize("value", [{"w": [1, None]}, "text", 0, False, None])
def test_a_result_is_what_the_job_returned(value: object) -> None:
    run = running()
    endings.succeed(run.ending, value)

    assert JobHandle(run.id).result(timeout=0) == value


def test_none_is_a_result_though_no_result_is_kept_in_celery() -> None:
    run = running(options={"ignore_result": True})
    endings.succeed(run.ending, None)

    assert JobHandle(run.id).result(timeout=0) is None


def test_a_result_is_waited_for() -> None:
    run = running()

    def end() -> None:
        finishing.succeed(run.key, 7, aftermath=False)
        connections.close_all()

    thread = threading.Thread(target=end)
    thread.start()

    assert JobHandle(run.id).result(timeout=30) == 7
    thread.join()


def test_a_job_that_does_not_end_in_time_goes_on() -> None:
    run = running()

    with pytest.raises(JobTimeout, match=f"{run.id} is still ACTIVE after 0.01 s; it goes on"):
        JobHandle(run.id).result(timeout=0.01)

    assert JobHandle(run.id).state is JobState.ACTIVE


def test_waiting_inside_a_transaction_says_that_its_jobs_begin_after_its_commit() -> None:
    with transaction.atomic(using=router.db_for_write(Job)):
        job = JobHandle(waiting()[0])
        with pytest.raises(JobTimeout, match="begins only after its commit: wait outside"):
            job.wait(timeout=0.01)


@pytest.mark.parametrize("state", ["STOPPED", "DROPPED", "ERROR"])
def test_a_job_that_ended_without_a_result_says_how(state: str) -> None:
    job_id = waiting()[0]
    ways: dict[str, Any] = {
        "STOPPED": lambda: stopping.stop(job_id),
        "DROPPED": lambda: terminations.drop([job_id]),
        "ERROR": lambda: terminations.give_up(
            [job_id], state="ERROR", error_type="x.Y", error="why"
        ),
    }
    ways[state]()

    with pytest.raises(JobFailed) as raised:
        JobHandle(job_id).result(timeout=0)

    assert raised.value.state == state
    assert raised.value.error == ("why" if state == "ERROR" else "")


def test_a_job_that_is_none_is_named() -> None:
    with pytest.raises(UnknownJob, match="There is no job 'nothing'"):
        JobHandle("nothing").result(timeout=0)


def test_a_handle_is_its_id() -> None:
    assert str(JobHandle("abc")) == "abc"
    assert JobHandle("abc") == JobHandle("abc")
