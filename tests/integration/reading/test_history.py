"""The history of a job."""

from __future__ import annotations

import pytest

from offload.conf import settings
from offload.core.retries import Cause, decide
from offload.core.states import JobState
from offload.fleet.snapshots import snapshot
from offload.models import Job, Run
from offload.operations.submission import submit
from offload.reading.jobs import history
from offload.tracking import claiming, finishing, terminations
from offload.tracking.binding.bindings import bind
from tests.integration.world import (
    BROKE,
    HERE,
    LANE,
    THERE,
    TOPIC,
    bound,
    join,
    key_of,
    lose,
    place,
    row,
    running,
    waiting,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def test_a_job_that_never_began_has_no_attempts() -> None:
    (job,) = bound()
    assert history.attempts(row(job.id)) == ()
    terminations.stop([job.id])
    assert history.attempts(row(job.id)) == ()


def test_the_attempt_that_runs_has_no_end() -> None:
    (attempt,) = history.attempts(running().row)
    assert (attempt.number, attempt.epoch, attempt.instance) == (1, 1, HERE)
    assert attempt.started_at is not None
    assert (attempt.ended_at, attempt.outcome, attempt.seconds) == (None, "", None)


def test_ended_attempts_come_before_the_last_one() -> None:
    run = running()
    decision = decide(snapshot().default.retry, cause=Cause.FAILED, failures=0, crashes=0)
    finishing.requeue(run.key, decision, BROKE, cause=Cause.FAILED)
    assert [one.outcome for one in history.attempts(run.row)] == ["failed"]
    Job.objects.update(run_at=None)
    join(THERE)
    (job,) = bind(place(THERE), [LANE], limit=1)
    key = key_of(job)
    claiming.claim(key)
    finishing.succeed(key, 1, aftermath=False)
    first, last = history.attempts(row(run.id))
    assert (first.number, first.outcome, first.error) == (1, "failed", "no")
    assert (last.number, last.outcome, last.instance) == (2, "SUCCEEDED", THERE)
    assert last.epoch > first.epoch
    assert last.seconds is not None
    assert last.seconds >= 0


def test_a_crash_is_an_attempt_with_its_cause() -> None:
    run = running()
    lose(run.id, run.key.epoch, cause=Cause.CRASHED, error="its process died")
    (attempt,) = history.attempts(run.row)
    assert (attempt.outcome, attempt.error) == ("crashed", "its process died")


def test_a_job_that_crashed_too_often_says_once_where_its_last_attempt_ran() -> None:
    run = running()
    begun = run.row.started_at
    Job.objects.update(crashes=settings().crashes - 1)
    lose(run.id, run.key.epoch, cause=Cause.CRASHED, error="its process died")
    assert (run.row.state, run.row.instance, run.row.started_at) == ("GIVEN_UP", HERE, begun)
    (attempt,) = history.attempts(run.row)
    assert (attempt.outcome, attempt.instance) == ("crashed", HERE)


def test_an_attempt_does_not_bear_the_error_of_the_one_before() -> None:
    lost = running()
    lose(lost.id, lost.key.epoch, cause=Cause.CRASHED, error="its process died")
    Job.objects.update(hold="")
    join(THERE)
    (job,) = bind(place(THERE), [LANE], limit=1)
    assert claiming.claim(key_of(job)) is not None
    assert [one.error for one in history.attempts(row(lost.id))] == ["its process died", ""]
    finishing.succeed(key_of(job), 1, aftermath=False)
    assert row(lost.id).error == ""


def test_steps_are_the_jobs_of_one_run_in_their_order() -> None:
    run = Run.objects.create(id="r1", workflow="dam/update")
    stored = waiting(3, run_id=run.pk)
    waiting()
    assert [one.pk for one in history.steps(row(stored[1]))] == stored
    assert history.steps(row(waiting()[0])) == ()


def test_files_are_inputs_and_what_a_finish_made_visible() -> None:
    handle = submit(TOPIC, files={"b": b"1", "a": b"2"})
    assert [(one.name, one.is_output) for one in history.files(handle.row)] == [
        ("a", False), ("b", False),
    ]  # fmt: skip
    assert history.files(row(waiting()[0])) == ()
    assert handle.state is not JobState.SUCCEEDED
