"""Every way back to PENDING: one CASE, one record of the attempt, the right change told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django_celery_results.models import TaskResult

from offload.core.retries import Cause, RetryDecision
from offload.core.states import Hold, JobState
from offload.fleet import membership
from offload.jobs import aftermath
from offload.models import Attempt, Job
from offload.tracking import claiming, finishing, replacements, requeue, selectors, terminations
from offload.tracking.binding.bindings import bind
from tests.integration.world import (
    BROKE,
    HERE,
    LANE,
    TOPIC,
    Running,
    Told,
    bound,
    join,
    key_of,
    lose,
    place,
    row,
    running,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

AGAIN = RetryDecision(state=JobState.PENDING, delay=0, failures=1, crashes=0, reason="again")


def _leave(run: Running) -> object:
    return membership.leave(HERE, place().incarnation, reason="test", crash=True)


def _declare(run: Running) -> object:
    return membership.declare_gone(HERE, place().incarnation, beat=0, reason="test")


def _forced(run: Running) -> object:
    return requeue.return_to_pending(
        selectors.process((run.id, 1)), cause=Cause.STOPPED_FORCED, error="told"
    )


#: From ACTIVE: how, the cause that is recorded, and whether it counts as a crash.
FROM_ACTIVE: dict[str, tuple[Callable[[Running], object], str, bool]] = {
    "requeue": (
        lambda run: finishing.requeue(run.key, AGAIN, BROKE, cause=Cause.FAILED),
        "failed",
        False,
    ),
    "replace": (lambda run: replacements.replaced(run.key), "replaced", False),
    "lost process": (
        lambda run: lose(run.id, 1, cause=Cause.CRASHED, error="signal 9"),
        "crashed",
        True,
    ),
    "dead worker": (_leave, "lost", True),
    "silent instance": (_declare, "lost", True),
    "orderly end": (
        lambda run: membership.goodbye(HERE, place().incarnation), "stopped_orderly", False,
    ),
    "forced end": (_forced, "stopped_forced", False),
}  # fmt: skip

#: From QUEUED.
FROM_QUEUED: dict[str, Callable[[str], object]] = {
    "recall": lambda job_id: requeue.recall(selectors.these([job_id]), cause=Cause.REQUEUED),
    "rule": lambda _: requeue.recall_from(HERE, [TOPIC], cause=Cause.REFUSED),
    "refusal": lambda job_id: requeue.refuse((job_id, 1), reason="unknown task"),
    "dead worker": lambda _: membership.leave(HERE, place().incarnation, reason="x", crash=True),
}

active = pytest.mark.parametrize(("back", "cause", "crash"), FROM_ACTIVE.values(), ids=FROM_ACTIVE)
queued = pytest.mark.parametrize("back", FROM_QUEUED.values(), ids=FROM_QUEUED)


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


@active
def test_what_ran_waits_again_with_its_attempt_recorded_once(
    back: Callable[[Running], object], cause: str, crash: bool, changes: list[Told]
) -> None:
    run = running()
    changes.clear()

    back(run)
    back_again = Attempt.objects.count()

    found = run.row
    assert found.state == JobState.PENDING
    assert (found.instance, found.incarnation, found.progress) == ("", "", None)
    assert (found.started_at, found.finished_at, found.bound_at) == (None, None, None)
    assert found.aftermath_due is False
    assert (found.crashes, found.epoch, found.attempts) == (int(crash), 1, 1)
    attempt = Attempt.objects.get()
    assert (attempt.epoch, attempt.cause, attempt.instance) == (1, cause, HERE)
    assert attempt.started_at is not None
    assert changes == [Told(run.id, "ACTIVE", "PENDING", 1)]
    assert back_again == 1


@active
def test_what_ran_and_was_asked_to_stop_is_stopped_instead(
    back: Callable[[Running], object], cause: str, crash: bool, changes: list[Told]
) -> None:
    run = running()
    terminations.stop([run.id])
    assert run.row.state == JobState.ACTIVE
    changes.clear()

    back(run)

    assert (run.row.state, run.row.finished_at is None) == (JobState.STOPPED, False)
    assert (run.row.instance, run.row.incarnation) == (HERE, "")
    assert run.row.started_at is not None
    assert changes == [Told(run.id, "ACTIVE", "STOPPED", 1)]
    aftermath.sweep()
    assert run.row.aftermath_due is False
    assert TaskResult.objects.get(task_id=run.id).status == "REVOKED"


@queued
def test_what_was_bound_waits_again_and_no_attempt_is_counted(
    back: Callable[[str], object], changes: list[Told]
) -> None:
    job = bound()[0]
    changes.clear()

    back(job.id)

    found = row(job.id)
    assert (found.state, found.instance, found.crashes) == (JobState.PENDING, "", 0)
    assert (found.attempts, found.hold) == (0, Hold.NONE)
    assert not Attempt.objects.exists()
    assert changes == [Told(job.id, "QUEUED", "PENDING", 1)]


@queued
def test_a_return_of_what_was_bound_never_touches_what_waits(
    back: Callable[[str], object],
) -> None:
    job = bound()[0]
    terminations.stop([job.id])

    back(job.id)

    assert row(job.id).state == JobState.STOPPED


def test_a_recall_leaves_what_runs_where_it_is() -> None:
    run = running()

    assert requeue.recall(selectors.these([run.id]), cause=Cause.REFUSED) == []
    assert run.row.state == JobState.ACTIVE


def test_rules_recall_the_topics_they_are_about_and_no_others() -> None:
    here, other = bound()[0], bound(topic="dam/meta")[0]

    assert requeue.recall_from(HERE, [], cause=Cause.REFUSED) == []
    requeue.recall_from(HERE, [here.topic], cause=Cause.REFUSED)

    assert (row(here.id).state, row(other.id).state) == ("PENDING", "QUEUED")


def test_a_job_is_given_up_at_its_third_crash(changes: list[Told]) -> None:
    run = running()
    job_id = run.id
    key = run.key
    for crash in (1, 2):
        lose(job_id, key.epoch, cause=Cause.CRASHED, error=f"signal {crash}")
        assert (row(job_id).crashes, row(job_id).hold) == (crash, Hold.SUSPECT)
        (again,) = bind(place(), [LANE], limit=1, suspect=True)
        key = key_of(again)
        claiming.claim(key)
    changes.clear()

    lose(job_id, key.epoch, cause=Cause.CRASHED, error="signal 3")

    found = row(job_id)
    assert (found.state, found.crashes, found.error) == (JobState.GIVEN_UP, 3, "signal 3")
    assert (found.finished_at is None, found.aftermath_due) == (False, True)
    assert [one.error for one in Attempt.objects.all()] == ["signal 1", "signal 2", "signal 3"]
    assert changes == [Told(job_id, "ACTIVE", "GIVEN_UP", 3)]
    aftermath.sweep()
    assert TaskResult.objects.get(task_id=job_id).status == "FAILURE"


def test_a_job_at_its_third_crash_that_was_asked_to_stop_is_stopped() -> None:
    run = running()
    Job.objects.filter(pk=run.id).update(crashes=2)
    terminations.stop([run.id])

    lose(run.id, 1, cause=Cause.CRASHED, error="signal 9")

    assert run.row.state == JobState.STOPPED


def test_a_bound_job_with_two_crashes_moves_without_a_third() -> None:
    job = bound()[0]
    Job.objects.filter(pk=job.id).update(crashes=2)

    membership.leave(HERE, place().incarnation, reason="x", crash=True)

    assert (row(job.id).state, row(job.id).crashes) == (JobState.PENDING, 2)


def test_an_attempt_that_ended_already_is_not_lost_again(changes: list[Told]) -> None:
    run = running()
    lose(run.id, 1, cause=Cause.CRASHED, error="signal 9")
    changes.clear()

    assert lose(run.id, 1, cause=Cause.CRASHED, error="signal 9") == []
    assert (run.row.crashes, Attempt.objects.count(), changes) == (1, 1, [])


def test_a_suspect_that_failed_in_order_is_a_suspect_no_more() -> None:
    run = running()
    lose(run.id, 1, cause=Cause.CRASHED, error="signal 9")
    (again,) = bind(place(), [LANE], limit=1, suspect=True)
    key = key_of(again)
    claiming.claim(key)

    finishing.requeue(key, AGAIN, BROKE, cause=Cause.FAILED)

    assert row(run.id).hold == Hold.NONE
