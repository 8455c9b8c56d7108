"""Results in a backend of their own: due with the end, written after it, and never in its way."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from celery.backends.cache import CacheBackend
from celery.exceptions import TaskRevokedError
from django.conf import settings as django_settings
from django.db.models import signals
from django.test import override_settings
from django_celery_results.backends import DatabaseBackend
from django_celery_results.models import TaskResult

from offload.core.retries import Cause
from offload.core.states import JobState
from offload.jobs import aftermath, endings
from offload.messaging import installation
from offload.messaging.installation import current_installation
from offload.results import result_backend, task_results
from offload.tracking import finishing, terminations
from tests.integration.jobs.situations import AGAIN, broken
from tests.integration.world import BROKE, bound, celery_state, join, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


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
        patch.setattr(result_backend, "store", broken)
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
        endings.requeue(run.ending, replace(AGAIN, delay=0), BROKE, cause=Cause.FAILED)
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

    endings.requeue(run.ending, AGAIN, BROKE, cause=Cause.FAILED)

    assert celery_state(elsewhere, run.id) == "RETRY"


def test_a_retry_of_an_overtaken_attempt_replaces_no_result(elsewhere: Celery) -> None:
    run = running()
    assert endings.succeed(run.ending, 1) is JobState.SUCCEEDED

    assert endings.requeue(run.ending, AGAIN, BROKE, cause=Cause.FAILED) is None

    assert celery_state(elsewhere, run.id) == "SUCCESS"


def test_a_backend_that_is_away_keeps_no_retry_back(
    elsewhere: Celery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = running()
    monkeypatch.setattr(result_backend, "store", broken)

    assert endings.requeue(run.ending, AGAIN, BROKE, cause=Cause.FAILED) == "PENDING"

    assert f"job {run.id} is not called RETRY" in caplog.text


def test_a_stop_that_was_known_again_is_the_last_word_elsewhere(elsewhere: Celery) -> None:
    run = running()
    terminations.stop([run.id])

    for _ in range(2):
        endings.requeue(run.ending, AGAIN, BROKE, cause=Cause.FAILED)

    assert celery_state(elsewhere, run.id) == "REVOKED"


def test_a_backend_that_stands_still_keeps_neither_run_nor_leader(
    elsewhere: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, asked = Event(), list[str]()
    monkeypatch.setattr(result_backend, "BACKEND_TIMEOUT_SECONDS", 0.05)

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
    current_installation.to_backend.close()
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
    ids = [running().key for _ in range(2)]
    for key in ids:
        finishing.succeed(key, 1, aftermath=True)
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
