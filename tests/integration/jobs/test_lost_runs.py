"""Jobs that do not run again by themselves after a run that was lost (E4a)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django_celery_results.models import TaskResult

from offload.core.retries import Cause, RetryDecision
from offload.core.states import JobState
from offload.fleet import departures, leadership, membership
from offload.fleet.giving_back import give_back
from offload.jobs import losses, stopping
from offload.models import Instance, Job, Queue
from offload.tracking import claiming, finishing, requeue, selectors
from tests.integration.world import (
    BROKE,
    HERE,
    THERE,
    bound,
    join,
    key_of,
    lose,
    place,
    row,
    running,
    states,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.world import Running

OVER = "does not run again by itself: rerun is off"


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()
    Queue.objects.create(name="once", topics=["bank/**"], rerun=False)


def _ended(run: Running, cause: Cause) -> None:
    losses.ended((run.id, 1), cause=cause, detail="gone")


def _left(*, crash: bool) -> None:
    assert membership.leave(HERE, place().incarnation, reason="gone", crash=crash)


def _stranded() -> None:
    term = leadership.acquire(THERE, join(THERE))
    Instance.objects.filter(name=HERE).delete()
    assert term is not None
    departures.move(term)


def _silent_peer(run: Running) -> None:
    Job.objects.filter(pk=run.id).update(peer="render")
    give_back(selectors.one((run.id, 1)), cause=Cause.LEASE_EXPIRED, error="gone")


#: Every way in which a run is lost.
LOSSES: dict[str, Callable[[Running], object]] = {
    "its process died": lambda run: _ended(run, Cause.CRASHED),
    "its process was killed": lambda run: _ended(run, Cause.STOPPED_FORCED),
    "its lease expired": lambda run: _ended(run, Cause.LEASE_EXPIRED),
    "its worker died": lambda _: _left(crash=True),
    "its worker was told to end": lambda _: _left(crash=False),
    "its worker began anew": lambda _: (Instance.objects.update(mode="gone"), join(HERE)),
    "its instance is not there": lambda _: _stranded(),
    "its peer fell silent": _silent_peer,
    "a report of its peer": lambda run: lose(run.id, 1, cause=Cause.LOST, error="gone"),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_lost_run_of_such_a_queue_is_over(loss: Callable[[Running], object]) -> None:
    run, other = running(queue="once"), running()

    loss(run)

    assert run.row.state == JobState.ERROR
    assert OVER in run.row.error
    assert run.row.finished_at is not None
    assert other.row.state in {JobState.PENDING, JobState.ACTIVE}


def test_its_end_is_concluded_and_its_run_finds_that_it_is_over() -> None:
    run = running(queue="once")

    _ended(run, Cause.CRASHED)

    assert TaskResult.objects.get(task_id=run.id).status == "FAILURE"
    written = finishing.succeed(run.key, 1, aftermath=False)
    assert (written.name, run.row.state) == ("STALE", JobState.ERROR)


def test_a_consumer_says_the_same_of_its_own_jobs() -> None:
    job = bound()[0]
    assert claiming.claim(key_of(job), reruns=False)

    lose(job.id, 1, cause=Cause.CRASHED, error="signal 9")

    found = row(job.id)
    assert (found.state, found.crashes) == (JobState.ERROR, 1)
    assert found.error == f"signal 9. It may have done part of its work, and {OVER}"


def test_what_has_not_begun_goes_elsewhere_but_for_what_a_peer_may_have_begun() -> None:
    here, there = (job.id for job in bound(2, queue="once"))
    Job.objects.filter(pk=there).update(peer="render")

    give_back(selectors.these([here, there]), cause=Cause.LOST, error="gone", crash=True)

    assert states([here, there]) == [JobState.PENDING, JobState.ERROR]


def test_of_a_clone_its_home_decides_unless_its_consumer_does() -> None:
    runs = [running(queue="once"), running(queue="once")]
    ids = [run.id for run in runs]
    Job.objects.filter(pk__in=ids).update(home="site", home_epoch=1)
    Job.objects.filter(pk=ids[1]).update(reruns=False)

    for run in runs:
        lose(run.id, 1, cause=Cause.LOST, error="gone")

    assert states(ids) == [JobState.GIVEN_UP, JobState.ERROR]


def _failed(run: Running) -> None:
    again = RetryDecision(state=JobState.PENDING, delay=0, failures=1, crashes=0, reason="again")
    finishing.requeue(run.key, again, BROKE, cause=Cause.FAILED)


#: Something that happens to a run, and the state of its job afterwards.
OTHER_ENDS: dict[str, tuple[Callable[[Running], Any], JobState]] = {
    "it failed": (_failed, JobState.PENDING),
    "its time limit": (lambda run: _ended(run, Cause.TIMED_OUT), JobState.GIVEN_UP),
    "it runs": (
        lambda run: requeue.recall(selectors.these([run.id]), cause=Cause.REFUSED),
        JobState.ACTIVE,
    ),
}


@pytest.mark.parametrize(("act", "state"), OTHER_ENDS.values(), ids=OTHER_ENDS)
def test_other_ends_are_as_usual(act: Callable[[Running], Any], state: JobState) -> None:
    Queue.objects.update(retries=0)
    run = running(queue="once")

    act(run)

    assert run.row.state == state


def test_a_job_that_was_asked_to_stop_is_stopped() -> None:
    run = running(queue="once")
    stopping.stop_jobs([run.id])

    _ended(run, Cause.CRASHED)

    assert run.row.state == JobState.STOPPED
