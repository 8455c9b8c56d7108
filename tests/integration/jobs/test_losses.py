"""Attempts that did not report their end, refusals, lost messages, and stranded jobs."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from django_celery_results.models import TaskResult

from offload.core.retries import Cause
from offload.core.states import Hold, JobState
from offload.fleet.snapshots import snapshot
from offload.jobs import losses
from offload.models import Attempt, Instance, Job, Queue
from offload.models.versions import raise_version
from offload.tracking.queries import active_on
from offload.tracking.selectors import Holder
from offload.worker.tasks.task import ConsumerTask, OffloadTask
from tests.integration.world import HERE, TASK, THERE, bound, join, place, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def test_what_runs_on_an_incarnation_is_known_by_job_and_epoch() -> None:
    run = running()
    bound()
    join(THERE)
    running(THERE)

    assert active_on(HERE, place().incarnation) == {(run.id, 1)}
    assert active_on(HERE, "another") == set()


def test_a_run_whose_process_died_waits_as_a_suspect() -> None:
    run = running()

    losses.ended((run.id, 1), cause=Cause.CRASHED, detail="signal 9")

    assert (run.row.state, run.row.hold, run.row.crashes) == (JobState.PENDING, Hold.SUSPECT, 1)
    assert run.row.error == "signal 9"


def test_a_third_crash_is_concluded_at_once() -> None:
    run = running()
    Job.objects.filter(pk=run.id).update(crashes=2)

    losses.crashed((run.id, 1), "signal 9")

    assert (run.row.state, run.row.aftermath_due) == (JobState.GIVEN_UP, False)
    assert TaskResult.objects.get(task_id=run.id).status == "FAILURE"


def test_a_run_over_its_time_is_retried_as_its_queue_says() -> None:
    Queue.objects.create(name="patient", topics=["x"], retries=1, retry_delay=30)
    snapshot(fresh=True)
    run = running(queue="patient")

    losses.ended((run.id, 1), cause=Cause.TIMED_OUT, detail="over 60 s")

    assert (run.row.state, run.row.failures, run.row.crashes) == (JobState.PENDING, 1, 0)
    assert run.row.run_at is not None
    assert Attempt.objects.get().cause == "timed_out"


def test_a_run_over_its_time_once_too_often_is_given_up() -> None:
    Queue.objects.create(name="patient", topics=["x"], retries=0)
    snapshot(fresh=True)
    run = running(queue="patient")

    losses.ended((run.id, 1), cause=Cause.TIMED_OUT, detail="over 60 s")

    assert (run.row.state, run.row.error) == (JobState.GIVEN_UP, "over 60 s")
    assert TaskResult.objects.get(task_id=run.id).status == "FAILURE"


def test_a_called_task_over_its_time_is_not_retried_as_celery_would_not() -> None:
    run = running(task=TASK)

    losses.ended((run.id, 1), cause=Cause.TIMED_OUT, detail="over 60 s")

    assert run.row.state == JobState.GIVEN_UP


@contextmanager
def _registered(app: Celery, base: type[OffloadTask], **options: Any) -> Iterator[None]:
    """Let the app know the task by which the instance consumes, for the block."""

    def render() -> None:
        pass

    make: Any = app.task(
        base=base, name=TASK, pattern="dam/**", shared=False, lazy=False, **options
    )
    make(render)
    yield
    app.tasks.pop(TASK)


BASES = {
    "a consumer, called": (ConsumerTask, TASK, JobState.PENDING),
    "a consumer, submitted": (ConsumerTask, "", JobState.PENDING),
    "a task, called": (OffloadTask, TASK, JobState.GIVEN_UP),
    "a task, submitted": (OffloadTask, "", JobState.GIVEN_UP),
    "a consumer, called by a name of another code": (ConsumerTask, "dam.old", JobState.PENDING),
}


@pytest.mark.parametrize(("base", "task", "state"), BASES.values(), ids=BASES)
def test_a_run_over_its_time_is_retried_as_its_task_says(
    app: Celery, base: type[OffloadTask], task: str, state: JobState
) -> None:
    run = running(task=task)

    with _registered(app, base):
        losses.ended((run.id, 1), cause=Cause.TIMED_OUT, detail="over 60 s")

    assert run.row.state == state


#: `ignore_result` of the call and of the task, and whether the backend gets the result.
SILENT: dict[str, tuple[dict[str, Any], bool, bool]] = {
    "neither": ({}, False, True),
    "the task": ({}, True, False),
    "the call": ({"ignore_result": True}, False, False),
    "the call, against the task": ({"ignore_result": False}, True, True),
}


@pytest.mark.parametrize("is_known", [True, False], ids=["code is here", "only announced"])
@pytest.mark.parametrize(("options", "ignored", "told"), SILENT.values(), ids=SILENT)
def test_a_lost_run_has_a_result_only_where_its_call_and_its_task_want_one(
    app: Celery, options: dict[str, Any], ignored: bool, told: bool, is_known: bool
) -> None:
    silent = {} if is_known else {"silent": ignored}
    Instance.objects.update(consumers=[{"pattern": "dam/**", "task": TASK, **silent}])
    raise_version()
    snapshot(fresh=True)
    run = running(options=options)
    Job.objects.filter(pk=run.id).update(crashes=2)

    with _registered(app, ConsumerTask, ignore_result=ignored) if is_known else nullcontext():
        losses.crashed((run.id, 1), "signal 9")

    assert (run.row.state, run.row.aftermath_due) == (JobState.GIVEN_UP, False)
    assert TaskResult.objects.filter(task_id=run.id).exists() == told


@pytest.mark.parametrize("cause", losses.UNCOUNTED_CAUSES)
def test_a_run_ended_by_force_or_lease_expiry_counts_neither_as_failure_nor_as_crash(
    cause: Cause,
) -> None:
    run = running()

    losses.ended((run.id, 1), cause=cause, detail="not its fault")

    assert (run.row.state, run.row.failures, run.row.crashes) == (JobState.PENDING, 0, 0)
    assert Attempt.objects.get().cause == cause


@pytest.mark.parametrize("cause", [Cause.CRASHED, Cause.TIMED_OUT, *losses.UNCOUNTED_CAUSES])
def test_a_report_of_an_older_attempt_changes_nothing(cause: Cause) -> None:
    run = running()

    losses.ended((run.id, 0), cause=cause, detail="late")

    assert (run.row.state, Attempt.objects.count()) == (JobState.ACTIVE, 0)


@pytest.mark.parametrize(
    "cause", [Cause.FAILED, Cause.TIMED_OUT, Cause.CRASHED, Cause.LEASE_EXPIRED]
)
def test_an_instance_ends_no_run_of_another_one(cause: Cause) -> None:
    run = running()
    there = Holder(instance=THERE, incarnation=join(THERE))

    losses.ended((run.id, 1), cause=cause, detail="it cannot be decoded", holder=there)

    assert (run.row.state, run.row.token, run.row.crashes) == ("ACTIVE", run.key.token, 0)

    holder = Holder(instance=HERE, incarnation=run.row.incarnation)
    losses.ended((run.id, 1), cause=cause, detail="its process died", holder=holder)

    assert run.row.state == "PENDING"
