"""A requeue ends its attempt, and the job waits for the next one or stops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django_celery_results.models import TaskResult

from offload.core.retries import Cause
from offload.core.states import JobState
from offload.jobs import endings
from offload.models import Attempt
from offload.tracking import requeue, terminations
from offload.tracking.assignments import NewCall
from offload.tracking.binding.bindings import bind
from tests.integration.jobs.situations import AGAIN
from tests.integration.world import BROKE, FACTS, LANE, age, join, place, running


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def test_a_requeue_records_the_attempt_and_waits_for_its_delay() -> None:
    run = running()

    call = NewCall(args=[1], priority=3)
    state = endings.requeue(run.ending, AGAIN, BROKE, cause=Cause.FAILED, call=call)

    assert state is JobState.PENDING
    found = run.row
    assert (found.state, found.failures, found.attempts) == (JobState.PENDING, 1, 1)
    assert (found.args, found.priority) == ([1], 3)
    assert found.run_at is not None
    attempt = Attempt.objects.get(job_id=run.id)
    assert (attempt.epoch, attempt.cause, attempt.error) == (1, "failed", "no")
    assert (attempt.instance, attempt.started_at is None) == (FACTS.worker, False)
    age([run.id], "run_at", seconds=31)
    assert requeue.release_due() == 1


def test_a_requeue_without_delay_can_be_bound_at_once() -> None:
    run = running()
    endings.requeue(run.ending, replace(AGAIN, delay=0), None, cause=Cause.REQUEUED)

    assert len(bind(place(), [LANE], limit=1)) == 1


def test_a_job_that_was_asked_to_stop_is_stopped_by_its_requeue_and_concluded() -> None:
    run = running()
    assert terminations.stop([run.id]) == []

    state = endings.requeue(run.ending, AGAIN, BROKE, cause=Cause.FAILED)

    assert state is JobState.STOPPED
    assert run.row.finished_at is not None
    assert TaskResult.objects.get(task_id=run.id).status == "REVOKED"


@pytest.mark.parametrize(
    "end",
    [
        lambda ending: endings.requeue(ending, AGAIN, BROKE, cause=Cause.FAILED),
        endings.stop,
        lambda ending: endings.replace(ending, {}),
    ],
    ids=["failed", "stopped", "replaced"],
)
def test_a_run_that_lost_the_answer_to_its_stop_asks_again_and_is_known(end: Any) -> None:
    run = running()
    terminations.stop([run.id])
    assert end(run.ending) is JobState.STOPPED

    assert end(run.ending) is JobState.STOPPED
    other = replace(run.ending, key=replace(run.key, token="another"))
    assert end(other) is None
