"""Jobs that are handed over: they leave their instance, and end by their token or their time."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import override_settings
from django_celery_results.models import TaskResult

import offload
from offload.core.attempt_key import AttemptKey
from offload.core.exceptions import (
    FailedOutside,
    InvalidToken,
    InvalidValue,
    StaleAttempt,
    UnknownJob,
)
from offload.core.placement.lanes import Lane
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.core.tokens import Token
from offload.db import database
from offload.fleet import departures, leadership, membership
from offload.fleet.snapshots import now, snapshot
from offload.jobs import async_completion, endings, losses, ran
from offload.models import Attempt, Instance, Job, Queue
from offload.operations.handles import JobHandle
from offload.reading.counts import count
from offload.reading.explain import explain_job
from offload.results import result_backend
from offload.signals import stale_attempt
from offload.tracking import claiming, limits, terminations
from offload.tracking.async_completion import overdue
from offload.tracking.bindings import bind
from offload.tracking.queries import active_on, forced_on, loads_by_instance
from tests.integration.world import (
    HERE,
    LANE,
    TASK,
    TOPIC,
    Running,
    age,
    bound,
    join,
    place,
    row,
    running,
    statements,
    together,
    waiting,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.world import Told

NEXT = {"chain": [{"task": "dam.next", "args": [], "kwargs": {}, "options": {"task_id": "next"}}]}


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


@pytest.fixture
def stale() -> Iterator[list[str]]:
    """Return the jobs of which a write was refused."""
    told: list[str] = []

    def note(*, job_id: str, **_: object) -> None:
        told.append(job_id)

    stale_attempt.connect(note, dispatch_uid="tests")
    yield told
    stale_attempt.disconnect(dispatch_uid="tests")


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the ends that something followed, in place of the canvas."""
    found: list[Any] = []
    monkeypatch.setattr("offload.canvas.following.tail.follow", found.append)
    return found


def handed(timeout: float = 3600, **facts: Any) -> tuple[Running, str]:
    """Return a job that was handed over, and its token."""
    run = running(**facts)
    assert endings.hand_over(run.ending, timeout) is JobState.ACTIVE
    return run, async_completion.token_of(run.key)


def patient(retries: int) -> None:
    """Make a queue that retries so often."""
    Queue.objects.create(name="patient", topics=["x"], retries=retries, retry_delay=30)
    snapshot(fresh=True)


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
    assert limits.bound_in("narrow") == 1
    assert limits.bind_limited(place(), lane, policy, now(), suspect=False) == []

    offload.complete(token)

    found = limits.bind_limited(place(), lane, policy, now(), suspect=False)
    assert [job.id for job in found] == [other]


def test_a_job_that_was_handed_over_is_completed_by_its_token(
    app: Celery, changes: list[Told]
) -> None:
    run, token = handed()
    changes.clear()

    offload.complete(token, {"width": 1280})

    assert (run.row.state, run.row.result) == (JobState.SUCCEEDED, {"width": 1280})
    assert (run.row.aftermath_due, run.row.is_handed_over) == (False, False)
    assert app.AsyncResult(run.id).get(timeout=1) == {"width": 1280}
    assert changes == [(run.id, "ACTIVE", "SUCCEEDED", 1)]


def test_it_is_completed_without_a_value_too(app: Celery) -> None:
    run, token = handed()

    offload.complete(token)

    assert (run.row.state, run.row.result) == (JobState.SUCCEEDED, None)
    assert app.AsyncResult(run.id).get(timeout=1) is None


def test_what_hangs_on_it_follows_once(followed: list[Any]) -> None:
    run, token = handed(tail=NEXT, has_tail=True)

    offload.complete(token, 7)
    with pytest.raises(StaleAttempt):
        offload.complete(token, 8)

    assert [(end.id, end.state, end.value) for end in followed] == [(run.id, "SUCCESS", 7)]


def test_a_value_that_cannot_be_stored_leaves_the_job_as_it_was() -> None:
    run, token = handed()

    with pytest.raises(InvalidValue):
        offload.complete(token, object())

    assert run.row.is_handed_over
    offload.complete(token, 1)
    assert run.row.state == JobState.SUCCEEDED


def test_the_task_that_ran_decides_on_retries_after_the_hand_over_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tasks = {TASK: SimpleNamespace(retried_by_queue=False)}
    monkeypatch.setattr(ran, "installed", lambda: SimpleNamespace(tasks=tasks))
    run = running()
    before = losses.policy_of(Job.objects.get(pk=run.id))

    endings.hand_over(run.ending, 60)

    assert losses.policy_of(Job.objects.get(pk=run.id)) == before
    assert before.retries == 0


def test_nothing_is_a_value_too(monkeypatch: pytest.MonkeyPatch) -> None:
    run, token = handed()

    offload.complete(token)

    monkeypatch.setattr(result_backend, "backend", lambda: pytest.fail("the row says it"))
    assert JobHandle(run.row.pk).result(0) is None


def test_a_value_too_large_for_the_row_is_in_celery_alone(settings: Any) -> None:
    run, token = handed()

    with override_settings(OFFLOAD={**settings.OFFLOAD, "MAX_RESULT": 100}):
        offload.complete(token, "x" * 200)

    assert run.row.result is None
    assert result_backend.value_of(run.row) == "x" * 200


def test_an_end_is_the_callers_to_take_back() -> None:
    run, token = handed()

    with database.atomic():
        offload.complete(token, 1)
        assert TaskResult.objects.get(task_id=run.id).status == "SUCCESS"
        transaction.set_rollback(True, using=database.alias())

    assert run.row.is_handed_over
    assert not TaskResult.objects.exists()


def test_a_failure_outside_is_retried_as_the_queue_says() -> None:
    patient(retries=1)
    run, token = handed(queue="patient")

    offload.fail(token, "the farm burns")

    assert (run.row.state, run.row.failures, run.row.crashes) == (JobState.PENDING, 1, 0)
    assert (run.row.handed_until, run.row.run_at is not None) == (None, True)
    attempt = Attempt.objects.get()
    assert (attempt.cause, attempt.error) == (Cause.FAILED, "the farm burns")


def test_the_next_attempt_runs_on_an_instance_again() -> None:
    run, token = handed()
    offload.fail(token, "the farm burns")
    Job.objects.update(run_at=None)

    [again] = bind(place(), [LANE], limit=1)

    assert (again.epoch, row(run.id).is_handed_over) == (2, False)
    with pytest.raises(StaleAttempt):
        offload.complete(token, "of yesterday")


@pytest.mark.parametrize(
    ("retries", "retry", "state"), [(0, True, JobState.GIVEN_UP), (5, False, JobState.ERROR)]
)
def test_a_failure_outside_that_is_the_last_one_ends_the_job(
    app: Celery, followed: list[Any], retries: int, retry: bool, state: JobState
) -> None:
    patient(retries)
    run, token = handed(queue="patient", tail=NEXT, has_tail=True)

    offload.fail(token, "the \x00farm burns", retry=retry)

    assert (run.row.state, run.row.error) == (state, "the \\x00farm burns")
    assert (run.row.failures, run.row.aftermath_due) == (1, False)
    with pytest.raises(FailedOutside, match="farm burns"):
        app.AsyncResult(run.id).get(timeout=1)
    assert [(end.state, end.job_state) for end in followed] == [("FAILURE", state)]


def test_a_called_task_is_not_retried_as_celery_would_not() -> None:
    run, token = handed(task=TASK)

    offload.fail(token, "the farm burns")

    assert run.row.state == JobState.GIVEN_UP


def test_who_it_was_handed_over_to_says_how_far_it_is() -> None:
    run, token = handed()

    offload.progress(token, 3, 9, "cooling")

    assert run.row.progress == {"current": 3, "total": 9, "message": "cooling"}


ACTS: dict[str, Any] = {
    "complete": offload.complete,
    "fail": partial(offload.fail, message="no"),
    "fail for good": partial(offload.fail, message="no", retry=False),
    "progress": partial(offload.progress, current=1),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_token_that_ends_nothing_is_refused(act: Any) -> None:
    run, token = handed()
    other = Token(run.id, run.key.epoch, str(uuid4()))
    later = Token(run.id, run.key.epoch + 1, run.key.secret)
    unknown = Token("nobody", 1, run.key.secret)
    from_the_row = Token(run.id, run.key.epoch, run.row.token)

    for wrong, error in [
        (str(other), StaleAttempt),
        (str(from_the_row), StaleAttempt),
        (str(later), StaleAttempt),
        (str(unknown), UnknownJob),
        ("nonsense", InvalidToken),
    ]:
        with pytest.raises(error):
            act(wrong)
    assert run.row.is_handed_over

    offload.complete(token, "right")
    with pytest.raises(StaleAttempt):
        act(token)
    assert run.row.result == "right"


def test_of_several_ends_at_once_one_is_written() -> None:
    terminations = (
        partial(offload.complete, value=7),
        partial(offload.fail, message="once more"),
        # Another text: who says the same as the end that was written hears that it is done.
        partial(offload.fail, message="no", retry=False),
    )
    for _ in range(5):
        run, token = handed()
        acts = [partial(_accepted, end, token) for end in terminations]

        assert sum(together(acts)) == 1

        assert run.row.state in {JobState.SUCCEEDED, JobState.PENDING, JobState.ERROR}


def _accepted(act: Any, token: str) -> bool:
    try:
        act(token)
    except StaleAttempt:
        return False
    return True


def test_a_deadline_that_passes_is_a_failed_attempt() -> None:
    patient(retries=1)
    run, token = handed(queue="patient", timeout=60)
    async_completion.time_out()
    assert run.row.is_handed_over
    age([run.id], "handed_until", seconds=61)

    async_completion.time_out()

    assert (run.row.state, run.row.failures, run.row.crashes) == (JobState.PENDING, 1, 0)
    assert Attempt.objects.get().cause == Cause.TIMED_OUT
    with pytest.raises(StaleAttempt):
        offload.complete(token)


def test_a_deadline_that_passes_once_too_often_ends_the_job() -> None:
    patient(retries=0)
    run, _ = handed(queue="patient", timeout=0)

    async_completion.time_out()

    assert (run.row.state, run.row.error) == (JobState.GIVEN_UP, async_completion.OVERDUE_MESSAGE)
    assert TaskResult.objects.get(task_id=run.id).status == "FAILURE"


def test_a_new_attempt_does_not_pay_for_the_deadline_of_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The leader read who was overdue, and was slow to act by it."""
    run, token = handed(timeout=0)
    late = overdue()
    assert late == [(run.id, 1)]
    offload.fail(token, "the farm burns")
    Job.objects.update(run_at=None)
    [again] = bind(place(), [LANE], limit=1)
    claiming.claim(AttemptKey(job_id=run.id, epoch=again.epoch, token=str(uuid4())))
    monkeypatch.setattr("offload.tracking.async_completion.overdue", lambda limit: late)

    async_completion.time_out()

    assert (run.row.state, run.row.epoch) == (JobState.ACTIVE, 2)


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

    losses.ended(run.id, 1, cause=cause, told="signal 9")

    assert (run.row.is_handed_over, run.row.crashes) == (True, 0)
    assert not Attempt.objects.exists()


def test_it_may_be_completed_before_its_consumer_has_returned(stale: list[str]) -> None:
    run = running()
    offload.complete(async_completion.token_of(run.key), "fast")

    assert endings.hand_over(run.ending, 60) is JobState.ACTIVE

    assert (run.row.state, run.row.result, run.row.handed_until) == ("SUCCEEDED", "fast", None)
    assert stale == []


def test_it_may_fail_before_its_consumer_has_returned() -> None:
    run, second = running(), running()
    offload.fail(async_completion.token_of(run.key), "fast")
    offload.fail(async_completion.token_of(second.key), "fast", retry=False)

    assert endings.hand_over(run.ending, 60) is JobState.ACTIVE
    assert endings.hand_over(second.ending, 60) is JobState.ACTIVE

    assert (run.row.state, second.row.state) == (JobState.PENDING, JobState.ERROR)


def test_an_attempt_that_was_taken_away_hands_nothing_over() -> None:
    run = running()
    losses.crashed(run.id, 1, "signal 9")

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
