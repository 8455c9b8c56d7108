"""Celery's STARTED and RETRY, where the site tracks starts: written with the claim and the loss."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django_celery_results.models import TaskResult

from offload.core.retries import Cause
from offload.core.states import JobState
from offload.fleet import membership
from offload.fleet.giving_back import give_back_attempt
from offload.jobs import aftermath, endings, losses
from offload.jobs.claims import begin
from offload.tracking import terminations
from tests.integration.jobs.situations import AGAIN
from tests.integration.world import (
    BROKE,
    FACTS,
    HERE,
    Running,
    bound,
    celery_state,
    join,
    key_of,
    place,
    row,
)  # fmt: skip

if TYPE_CHECKING:
    from celery import Celery


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


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

    endings.requeue(Running(key=key, claimed=claimed).ending, AGAIN, BROKE, cause=Cause.FAILED)

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
