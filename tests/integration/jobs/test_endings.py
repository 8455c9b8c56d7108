"""Finishes: an attempt's end and everything that belongs to it in one transaction, once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from celery.backends.cache import CacheBackend
from celery.exceptions import TaskRevokedError
from django.conf import settings as django_settings
from django.db import DatabaseError
from django.db.models import signals
from django.test import override_settings
from django_celery_results.backends import DatabaseBackend
from django_celery_results.models import TaskResult

from offload.canvas import hooks
from offload.core.retries import Cause, RetryDecision
from offload.core.states import JobState
from offload.db.statements import Statement
from offload.fleet import membership
from offload.jobs import aftermath, endings, losses
from offload.jobs.claims import begin
from offload.messaging import installation
from offload.messaging.log_throttle import LogThrottle
from offload.messaging.publisher import Breaker
from offload.models import Attempt
from offload.results import result_backend, task_results
from offload.results.giving_back import give_back_attempt
from offload.tracking import claiming, requeue, runs, terminations
from offload.tracking.bindings import bind
from offload.tracking.runs import FinishOutcome
from tests.apps import forget_consumers
from tests.databases import on_postgresql
from tests.integration.world import (
    BROKE,
    FACTS,
    HERE,
    LANE,
    TASK,
    Running,
    Told,
    age,
    bound,
    celery_state,
    join,
    key_of,
    lose,
    place,
    row,
    running,
    together,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Iterator

GIVEN_UP = RetryDecision(state=JobState.GIVEN_UP, delay=0, failures=3, crashes=0, reason="enough")
AGAIN = RetryDecision(state=JobState.PENDING, delay=30.0, failures=1, crashes=0, reason="again")
NEXT = {"chain": [{"task": "dam.next", "args": [], "kwargs": {}, "options": {"task_id": "next"}}]}


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the ends that something followed, in place of the canvas."""
    found: list[Any] = []
    monkeypatch.setattr("offload.canvas.following.tail.follow", found.append)
    return found


def test_a_result_is_kept_in_the_row_and_written_for_celery_at_once(
    changes: list[Told],
) -> None:
    run = running()
    changes.clear()

    assert endings.succeed(run.ending, {"width": 1280}) is JobState.SUCCEEDED

    assert (run.row.state, run.row.result) == (JobState.SUCCEEDED, {"width": 1280})
    assert run.row.finished_at is not None
    assert run.row.aftermath_due is False
    kept: Any = TaskResult.objects.get(task_id=run.id)
    assert (kept.status, kept.result) == ("SUCCESS", '{"width": 1280}')
    assert (kept.task_name, kept.worker) == (TASK, FACTS.worker)
    assert changes == [Told(run.id, "ACTIVE", "SUCCEEDED", 1)]


def test_an_error_is_kept_in_the_row_and_written_for_celery_at_once() -> None:
    run = running()

    assert endings.fail(run.ending, GIVEN_UP, BROKE) is JobState.GIVEN_UP

    assert (run.row.state, run.row.failures) == (JobState.GIVEN_UP, 3)
    assert (run.row.error_type, run.row.error) == ("builtins.ValueError", "no")
    kept = result_backend.backend().get_task_meta(run.id)
    assert kept["status"] == "FAILURE"
    assert isinstance(kept["result"], ValueError)
    assert kept["traceback"] == BROKE.traceback


def test_a_job_that_wants_no_result_has_none_in_celery() -> None:
    run = running(options={"ignore_result": True})

    endings.succeed(run.ending, 1)

    assert run.row.result == 1
    assert not TaskResult.objects.exists()


def test_a_value_too_large_for_the_row_is_in_celery_alone(settings: Any) -> None:
    run = running()
    with override_settings(OFFLOAD={**settings.OFFLOAD, "MAX_RESULT": 100}):
        endings.succeed(run.ending, "x" * 200)

    assert run.row.result is None
    assert result_backend.value_of(run.row) == "x" * 200


OVERTAKEN = {
    "another epoch": lambda key: replace(key, epoch=key.epoch + 1),
    "another token": lambda key: replace(key, token="another"),
    "another job": lambda key: replace(key, job_id="another"),
}


@pytest.mark.parametrize("other", OVERTAKEN.values(), ids=OVERTAKEN)
def test_an_attempt_that_does_not_match_the_fence_writes_nothing(
    other: Any, followed: list[Any]
) -> None:
    run = running(tail=NEXT, has_tail=True)
    stale = replace(run.ending, key=other(run.key))

    assert endings.succeed(stale, 1) is None
    assert endings.fail(stale, GIVEN_UP, BROKE) is None
    assert endings.requeue(stale, AGAIN, BROKE, cause=Cause.FAILED, changes={}) is None
    assert runs.write(stale.key, "progress", "[1, 2]") is False

    assert run.row.state == JobState.ACTIVE
    assert not TaskResult.objects.exists()
    assert followed == []


def test_an_attempt_whose_job_was_taken_away_writes_nothing() -> None:
    run = running()
    lose(run.id, 1, cause=Cause.CRASHED, error="signal 9")
    (again,) = bind(place(), [LANE], limit=1, suspect=True)
    second = key_of(again)
    claiming.claim(second)

    assert endings.succeed(run.ending, "late") is None

    assert (run.row.state, run.row.result) == (JobState.ACTIVE, None)
    assert runs.succeed(second, "right", aftermath=False) is FinishOutcome.NOW
    assert run.row.result == "right"


def test_a_finish_whose_reply_was_lost_is_known_and_nothing_follows_twice(
    followed: list[Any], changes: list[Told]
) -> None:
    run = running(tail=NEXT, has_tail=True)
    endings.succeed(run.ending, 1)
    TaskResult.objects.all().delete()
    changes.clear()

    assert endings.succeed(run.ending, 1) is JobState.SUCCEEDED
    assert runs.succeed(run.key, 1, aftermath=False) is FinishOutcome.BEFORE

    assert len(followed) == 1
    assert not TaskResult.objects.exists()
    assert changes == []


def test_an_error_whose_reply_was_lost_is_known_too(followed: list[Any]) -> None:
    run = running(tail=NEXT, has_tail=True)
    endings.fail(run.ending, GIVEN_UP, BROKE)

    assert endings.fail(run.ending, GIVEN_UP, BROKE) is JobState.GIVEN_UP
    assert len(followed) == 1


def test_final_stays_final() -> None:
    run = running()
    endings.succeed(run.ending, 1)

    assert endings.fail(run.ending, GIVEN_UP, BROKE) is None
    assert lose(run.id, 1, cause=Cause.CRASHED, error="late") == []
    assert terminations.stop([run.id]) == []
    assert terminations.drop([run.id]) == []

    assert (run.row.state, run.row.error, run.row.stop_requested) == (JobState.SUCCEEDED, "", False)


def test_a_finish_stands_and_falls_with_its_result(
    monkeypatch: pytest.MonkeyPatch, changes: list[Told]
) -> None:
    run = running()
    changes.clear()
    monkeypatch.setattr(task_results, "upsert", lambda *_, **__: Statement("SELECT 1 FROM nowhere"))

    with pytest.raises(DatabaseError):
        endings.succeed(run.ending, 1)

    assert run.row.state == JobState.ACTIVE
    assert changes == []


def test_a_finish_stands_and_falls_with_what_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    run = running(tail=NEXT, has_tail=True)
    monkeypatch.setattr("offload.canvas.following.tail.follow", _broken)

    with pytest.raises(RuntimeError):
        endings.succeed(run.ending, 1)

    assert run.row.state == JobState.ACTIVE
    assert not TaskResult.objects.exists()


def test_where_results_are_elsewhere_the_finish_marks_them_due_and_concludes(
    elsewhere: Celery,
) -> None:
    run = running()

    endings.succeed(run.ending, {"w": 1})

    assert elsewhere.AsyncResult(run.id).get(timeout=1) == {"w": 1}
    assert run.row.aftermath_due is False
    assert not TaskResult.objects.exists()


def test_a_result_that_could_not_be_written_elsewhere_stays_due_for_the_sweep(
    elsewhere: Celery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = running()
    with monkeypatch.context() as patch:
        patch.setattr(result_backend, "store", _broken)
        assert endings.succeed(run.ending, 1) is JobState.SUCCEEDED

    assert run.row.aftermath_due is True
    assert f"the result of job {run.id} is not stored yet" in caplog.text
    assert celery_state(elsewhere, run.id) == "PENDING"
    assert aftermath.sweep() == 1
    assert celery_state(elsewhere, run.id) == "SUCCESS"


def test_a_job_that_ended_without_a_run_is_revoked_elsewhere_too(elsewhere: Celery) -> None:
    job = bound()[0]
    terminations.drop([job.id])

    assert aftermath.sweep() == 1

    assert celery_state(elsewhere, job.id) == "REVOKED"
    with pytest.raises(TaskRevokedError):
        elsewhere.AsyncResult(job.id).get(timeout=1)


@pytest.fixture
def elsewhere(app: Celery) -> Celery:
    """Install an app whose results are not in the job's database."""
    other = Celery("elsewhere", broker="memory://", backend="cache+memory://", set_as_current=False)
    hooks.install(other)
    forget_consumers(other)
    installation.remember(other, module=__name__)
    task_results.in_transaction.cache_clear()
    return other


@pytest.fixture
def by_the_backend(app: Celery) -> Iterator[None]:
    """Let results be stored after the end, by the backend's own means."""
    given = {**django_settings.OFFLOAD, "RESULTS_IN_TRANSACTION": False}
    with override_settings(OFFLOAD=given):
        task_results.in_transaction.cache_clear()
        yield
    task_results.in_transaction.cache_clear()


def test_where_the_site_says_so_results_are_saved_with_djangos_signals(
    by_the_backend: None,
) -> None:
    saved: list[str] = []

    def note(instance: TaskResult, **_: object) -> None:
        saved.append(instance.status)

    signals.post_save.connect(note, sender=TaskResult)
    try:
        run = running()
        endings.requeue(run.ending, replace(AGAIN, delay=0), BROKE, cause=Cause.FAILED, changes={})
        assert celery_state(installation.celery_app(), run.id) == "RETRY"
        again = running()
        endings.succeed(again.ending, 1)
    finally:
        signals.post_save.disconnect(note, sender=TaskResult)

    assert saved == ["RETRY", "SUCCESS"]
    assert again.row.aftermath_due is False


class Auditing(DatabaseBackend):  # type: ignore[misc]
    """A backend of a site's own."""

    def _store_result(self, *args: Any, **options: Any) -> Any:
        return super()._store_result(*args, **options)


class Naming(DatabaseBackend):  # type: ignore[misc]
    """A backend that stores as usual."""

    def exception_safe_to_retry(self, exc: Exception) -> bool:
        return False


def test_a_backend_that_stores_in_its_own_way_is_left_to_do_so() -> None:
    kinds = (DatabaseBackend, Naming, Auditing, CacheBackend)
    assert [task_results.is_usual(kind) for kind in kinds] == [True, True, False, False]


def test_a_retry_is_called_so_elsewhere_before_it_can_be_bound(elsewhere: Celery) -> None:
    run = running()

    endings.requeue(run.ending, AGAIN, BROKE, cause=Cause.FAILED, changes={})

    assert celery_state(elsewhere, run.id) == "RETRY"


def test_a_retry_of_an_overtaken_attempt_replaces_no_result(elsewhere: Celery) -> None:
    run = running()
    assert endings.succeed(run.ending, 1) is JobState.SUCCEEDED

    assert endings.requeue(run.ending, AGAIN, BROKE, cause=Cause.FAILED, changes={}) is None

    assert celery_state(elsewhere, run.id) == "SUCCESS"


def test_a_backend_that_is_away_keeps_no_retry_back(
    elsewhere: Celery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = running()
    monkeypatch.setattr(result_backend, "store", _broken)

    assert endings.requeue(run.ending, AGAIN, BROKE, cause=Cause.FAILED, changes={}) == "PENDING"

    assert f"job {run.id} is not called RETRY" in caplog.text


def test_a_requeue_records_the_attempt_and_waits_for_its_delay() -> None:
    run = running()

    state = endings.requeue(
        run.ending, AGAIN, BROKE, cause=Cause.FAILED, changes={"args": "[1]", "priority": 3}
    )

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
    endings.requeue(run.ending, replace(AGAIN, delay=0), None, cause=Cause.REQUEUED, changes={})

    assert len(bind(place(), [LANE], limit=1)) == 1


def test_a_job_that_was_asked_to_stop_is_stopped_by_its_requeue_and_concluded() -> None:
    run = running()
    assert terminations.stop([run.id]) == []

    state = endings.requeue(run.ending, AGAIN, BROKE, cause=Cause.FAILED, changes={})

    assert state is JobState.STOPPED
    assert run.row.finished_at is not None
    assert TaskResult.objects.get(task_id=run.id).status == "REVOKED"


@pytest.mark.parametrize(
    "end",
    [
        lambda ending: endings.requeue(ending, AGAIN, BROKE, cause=Cause.FAILED, changes={}),
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


def test_a_stop_that_was_known_again_is_the_last_word_elsewhere(elsewhere: Celery) -> None:
    run = running()
    terminations.stop([run.id])

    for _ in range(2):
        endings.requeue(run.ending, AGAIN, BROKE, cause=Cause.FAILED, changes={})

    assert celery_state(elsewhere, run.id) == "REVOKED"


def test_started_is_written_with_the_claim_where_the_site_tracks_it(tracking: None) -> None:
    key = key_of(bound()[0])

    assert begin(key, FACTS) is not None

    kept: Any = TaskResult.objects.get(task_id=key.job_id)
    assert kept.status == "STARTED"
    assert kept.date_started is not None


def test_a_retry_is_shown_in_celery_where_the_site_tracks_starts(tracking: None) -> None:
    key = key_of(bound()[0])
    claimed = begin(key, FACTS)
    assert claimed is not None

    endings.requeue(
        Running(key=key, claimed=claimed).ending, AGAIN, BROKE, cause=Cause.FAILED, changes={}
    )

    assert TaskResult.objects.get(task_id=key.job_id).status == "RETRY"


def _begun() -> Running:
    key = key_of(bound()[0])
    claimed = begin(key, FACTS)
    assert claimed is not None
    return Running(key=key, claimed=claimed)


def test_of_what_an_instance_leaves_behind_only_what_runs_again_is_called_a_retry(
    tracking: None,
) -> None:
    again, stopped = _begun(), _begun()
    terminations.stop([stopped.id])

    membership.leave(HERE, place().incarnation, reason="its process died", crash=True)

    kept = dict(TaskResult.objects.values_list("task_id", "status"))
    assert (again.row.state, kept[again.id]) == ("PENDING", "RETRY")
    assert (stopped.row.state, kept[stopped.id]) == ("STOPPED", "STARTED")
    aftermath.sweep()
    assert TaskResult.objects.get(task_id=stopped.id).status == "REVOKED"


def test_what_ran_out_of_time_and_was_asked_to_stop_is_concluded_at_once(tracking: None) -> None:
    run = _begun()
    terminations.stop([run.id])

    losses.time_out(run.row, "its time is over")

    assert (run.row.state, run.row.aftermath_due) == ("STOPPED", False)
    assert TaskResult.objects.get(task_id=run.id).status == "REVOKED"


def test_an_attempt_that_was_overtaken_is_not_told_of_the_one_that_runs(tracking: None) -> None:
    run = _begun()
    old = replace(run.key, token="another")

    state = give_back_attempt(old, AGAIN, BROKE, cause=Cause.TIMED_OUT)

    assert (state, run.row.state) == (None, "ACTIVE")
    assert TaskResult.objects.get(task_id=run.id).status == "STARTED"


def test_a_claim_that_fails_leaves_no_started(tracking: None) -> None:
    key = key_of(bound()[0])

    assert begin(replace(key, epoch=9), FACTS) is None
    assert not TaskResult.objects.exists()


def test_a_backend_elsewhere_says_nothing_of_a_claim(elsewhere: Celery) -> None:
    elsewhere.conf.task_track_started = True
    key = key_of(bound()[0])

    assert begin(key, FACTS) is not None

    assert celery_state(elsewhere, key.job_id) == "PENDING"
    assert row(key.job_id).state == JobState.ACTIVE
    assert not TaskResult.objects.exists()


@pytest.fixture
def tracking(app: Any) -> Any:
    """Let the site track starts."""
    app.conf.task_track_started = True
    yield
    app.conf.task_track_started = False


@on_postgresql
def test_of_two_ends_of_one_attempt_at_once_one_is_written() -> None:
    for _ in range(10):
        run = running()
        found = together(
            [
                partial(endings.succeed, run.ending, 1),
                partial(lose, run.id, 1, cause=Cause.CRASHED, error="signal 9"),
            ]
        )
        assert (found[0] is None) is bool(found[1])


def _broken(*_: object) -> None:
    raise RuntimeError("broken")


def test_a_backend_that_stands_still_keeps_neither_run_nor_leader(
    elsewhere: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, asked, breaker = Event(), list[str](), Breaker()
    monkeypatch.setattr(result_backend, "BACKEND_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(result_backend, "breaker", breaker)

    def stand_still(task_id: str, *_: object, **__: object) -> None:
        asked.append(task_id)
        over.wait()

    first, second = running(), running()
    with monkeypatch.context() as patch:
        patch.setattr(CacheBackend, "store_result", stand_still)
        for run in (first, second):
            assert endings.succeed(run.ending, 1) is JobState.SUCCEEDED
        assert aftermath.sweep() == 0
    over.set()

    assert len(asked) == 1
    assert (first.row.aftermath_due, second.row.aftermath_due) == (True, True)
    breaker.closed_at = 0.0
    monkeypatch.setattr(result_backend, "BACKEND_TIMEOUT_SECONDS", 10.0)
    assert aftermath.sweep() == 2
    assert celery_state(elsewhere, second.id) == "SUCCESS"


@pytest.mark.parametrize(
    ("error", "asked", "told"),
    [
        (ConnectionRefusedError("wrong password"), 1, "cannot be reached: wrong password"),
        (RuntimeError("broken"), 6, "RuntimeError: broken"),
    ],
    ids=["the backend", "the jobs"],
)
def test_what_keeps_results_from_their_backend_is_no_flood_in_the_log(
    elsewhere: Celery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    error: Exception, asked: int, told: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(result_backend, "breaker", Breaker())
    monkeypatch.setattr(aftermath, "hush", LogThrottle())
    ids = [running().key for _ in range(2)]
    for key in ids:
        runs.succeed(key, 1, aftermath=True)
    calls: list[object] = []

    def refuse(*given: object, **_: object) -> None:
        calls.append(given)
        raise error

    monkeypatch.setattr(CacheBackend, "store_result", refuse)

    assert [aftermath.sweep() for _ in range(3)] == [0, 0, 0]

    assert len(calls) == asked
    said = [one for one in caplog.records if one.name == "offload.aftermath"]
    assert len(said) == (1 if asked == 1 else len(ids))
    assert told in caplog.text
