"""Finishes: an attempt's end and everything that belongs to it in one transaction, once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import override_settings
from django_celery_results.models import TaskResult

from offload.core.progress import Progress
from offload.core.retries import Cause, RetryDecision
from offload.core.states import JobState
from offload.db.statements import Statement
from offload.jobs import endings
from offload.results import result_backend, task_results
from offload.tracking import claiming, finishing, terminations
from offload.tracking.binding.bindings import bind
from offload.tracking.finishing import FinishOutcome
from tests.databases import on_postgresql
from tests.integration.beside import together
from tests.integration.jobs.situations import AGAIN, NEXT, broken
from tests.integration.world import (
    BROKE,
    FACTS,
    LANE,
    TASK,
    Told,
    join,
    key_of,
    lose,
    place,
    running,
)

GIVEN_UP = RetryDecision(state=JobState.GIVEN_UP, delay=0, failures=3, crashes=0, reason="enough")


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


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
    assert endings.requeue(stale, AGAIN, BROKE, cause=Cause.FAILED) is None
    assert finishing.report(stale.key, Progress.of(1, 2, "")) is False

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
    assert finishing.succeed(second, "right", aftermath=False) is FinishOutcome.NOW
    assert run.row.result == "right"


def test_a_finish_whose_reply_was_lost_is_known_and_nothing_follows_twice(
    followed: list[Any], changes: list[Told]
) -> None:
    run = running(tail=NEXT, has_tail=True)
    endings.succeed(run.ending, 1)
    TaskResult.objects.all().delete()
    changes.clear()

    assert endings.succeed(run.ending, 1) is JobState.SUCCEEDED
    assert finishing.succeed(run.key, 1, aftermath=False) is FinishOutcome.BEFORE

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
    monkeypatch.setattr("offload.canvas.following.tail.follow", broken)

    with pytest.raises(RuntimeError):
        endings.succeed(run.ending, 1)

    assert run.row.state == JobState.ACTIVE
    assert not TaskResult.objects.exists()


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
