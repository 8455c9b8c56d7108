"""Jobs that are handed over leave their instance and keep their place in the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django_celery_results.models import TaskResult

import offload
from offload.core.exceptions import StaleAttempt
from offload.core.placement.lanes import Lane
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.fleet import departures, leadership, membership
from offload.fleet.snapshots import now, snapshot
from offload.jobs import endings, losses
from offload.models import Attempt, Instance, Job, Queue
from offload.reading.cluster.counts import count
from offload.reading.waiting.explain import explain_job
from offload.tracking import terminations
from offload.tracking.binding import queue_limits
from offload.tracking.binding.bindings import bind
from offload.tracking.queries import active_on, forced_on, loads_by_instance
from tests.integration.jobs.situations import NEXT, handed
from tests.integration.world import (
    HERE,
    LANE,
    TOPIC,
    bound,
    join,
    place,
    running,
    statements,
    waiting,
)  # fmt: skip

if TYPE_CHECKING:
    from tests.integration.world import Told


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def test_a_job_that_was_handed_over_is_active_and_nowhere() -> None:
    run, _ = handed(timeout=60)

    assert (run.row.state, run.row.instance, run.row.incarnation) == (JobState.ACTIVE, "", "")
    assert run.row.started_at is not None
    assert run.row.handed_until is not None
    assert 55 < (run.row.handed_until - run.row.started_at).total_seconds() < 65
    assert run.row.is_handed_over
    assert loads_by_instance() == {}
    assert (count().bound_to(HERE), count().running(TOPIC)) == (0, 1)
    assert active_on(HERE, place().incarnation) == set()


def test_a_hand_over_is_one_statement() -> None:
    run = running()

    with statements() as found:
        endings.hand_over(run.ending, 60)

    assert len(found) == 1


def test_its_place_in_the_window_is_free_at_once() -> None:
    run = running()
    waiting()
    assert bind(place(window=1), [LANE], limit=1) == []

    endings.hand_over(run.ending, 60)

    assert len(bind(place(window=1), [LANE], limit=1)) == 1


def test_the_limit_of_its_queue_stays_taken() -> None:
    Queue.objects.create(name="narrow", topics=["dam/**"], max_parallel=1)
    snapshot(fresh=True)
    _, token = handed(queue="narrow")
    [other] = waiting(queue="narrow")
    lane, policy = Lane(queue="narrow", topic=TOPIC), snapshot(fresh=True).policy("narrow")
    assert queue_limits.bound_in("narrow") == 1
    assert queue_limits.bind_limited(place(), lane, policy, now(), suspect=False) == []

    offload.complete(token)

    found = queue_limits.bind_limited(place(), lane, policy, now(), suspect=False)
    assert [job.id for job in found] == [other]


@pytest.mark.parametrize("force", [False, True])
def test_a_stop_ends_it_at_once(force: bool, followed: list[Any], changes: list[Told]) -> None:
    run, token = handed(tail=NEXT, has_tail=True)
    changes.clear()

    assert offload.stop(run.id, force=force) == JobState.STOPPED

    assert TaskResult.objects.get(task_id=run.id).status == "REVOKED"
    assert [end.state for end in followed] == ["REVOKED"]
    assert changes == [(run.id, "ACTIVE", "STOPPED", 1)]
    with pytest.raises(StaleAttempt):
        offload.complete(token)


def test_a_job_that_was_asked_to_stop_before_it_is_handed_over_is_stopped_then(
    changes: list[Told],
) -> None:
    run = running()
    assert offload.stop(run.id) == JobState.ACTIVE
    changes.clear()

    assert endings.hand_over(run.ending, 60) is JobState.STOPPED

    assert (run.row.state, run.row.aftermath_due) == (JobState.STOPPED, False)
    assert TaskResult.objects.get(task_id=run.id).status == "REVOKED"
    assert changes == [(run.id, "ACTIVE", "STOPPED", 1)]


def test_an_instance_that_goes_does_not_take_it_along() -> None:
    run, token = handed()
    other = running()

    membership.leave(HERE, place().incarnation, reason="no beat", crash=True)
    Instance.objects.all().delete()
    join()
    departures.move(_term())

    assert (other.row.state, run.row.is_handed_over) == (JobState.PENDING, True)
    offload.complete(token, 1)
    assert run.row.state == JobState.SUCCEEDED


def test_a_stop_by_force_has_no_process_killed_for_it() -> None:
    run, _ = handed()
    Job.objects.filter(pk=run.id).update(stop_forced=True)

    assert forced_on(HERE, place().incarnation) == set()


CAUSES = [Cause.CRASHED, Cause.TIMED_OUT, *losses.UNCOUNTED_CAUSES]


@pytest.mark.parametrize("cause", CAUSES)
def test_a_process_that_dies_after_it_has_handed_over_takes_nothing_along(cause: Cause) -> None:
    run, _ = handed()

    losses.ended((run.id, 1), cause=cause, detail="signal 9")

    assert (run.row.is_handed_over, run.row.crashes) == (True, 0)
    assert not Attempt.objects.exists()


def test_an_attempt_that_was_taken_away_hands_nothing_over() -> None:
    run = running()
    losses.crashed((run.id, 1), "signal 9")

    assert endings.hand_over(run.ending, 60) is None

    assert (run.row.state, run.row.handed_until) == (JobState.PENDING, None)


def test_a_hand_over_whose_reply_was_lost_is_written_again() -> None:
    run, _ = handed(timeout=60)

    assert endings.hand_over(run.ending, 60) is JobState.ACTIVE


def test_it_says_until_when_it_was_handed_over() -> None:
    run, _ = handed()

    found = explain_job(run.row)

    assert found.sentence.startswith("It was handed over until 20")
    assert (found.instance, found.waiting) == (None, None)


def test_a_stop_tells_of_jobs_that_only_wait_where_they_were(changes: list[Told]) -> None:
    pending, queued = waiting()[0], bound(topic="dam/other")[0].id
    changes.clear()

    terminations.stop([pending, queued])

    assert sorted(one.old for one in changes) == ["PENDING", "QUEUED"]


def _term() -> leadership.Term:
    found = leadership.acquire(HERE, place().incarnation)
    assert found is not None
    return found
