"""Ends without a run: stop, expiry, drop; and the successors of an end, exactly once."""

from __future__ import annotations

from typing import Any

import pytest
from celery.exceptions import TaskRevokedError
from django.db import transaction
from django_celery_results.models import TaskResult

from offload.core.exceptions import UnknownJob
from offload.core.states import Hold, JobState
from offload.dispatch import overdue
from offload.fleet import leadership, membership
from offload.jobs import aftermath, stopping
from offload.tracking import terminations
from offload.tracking.binding.bindings import bind
from tests.integration.world import (
    HERE,
    LANE,
    Told,
    age,
    bound,
    celery_state,
    join,
    place,
    row,
    running,
    states,
    waiting,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def test_a_stop_ends_what_waits_and_asks_what_runs(changes: list[Told]) -> None:
    queued, run, lonely = bound()[0].id, running(), waiting()[0]
    changes.clear()

    found = terminations.stop([lonely, queued, run.id, "unknown"])

    stopped = [Told(one.job_id, one.old, one.new, one.epoch) for one in found]
    assert sorted(stopped) == sorted(
        [Told(lonely, "PENDING", "STOPPED", 0), Told(queued, "QUEUED", "STOPPED", 1)]
    )
    assert sorted(changes) == sorted(stopped)
    assert states([lonely, queued, run.id]) == ["STOPPED", "STOPPED", "ACTIVE"]
    assert run.row.stop_requested is True
    assert run.row.finished_at is None


def test_a_stop_of_nothing_is_no_statement() -> None:
    assert terminations.stop([]) == []
    assert terminations.drop([]) == []
    assert terminations.give_up([], state="ERROR", error_type="", error="") == []


@pytest.mark.parametrize("hold", list(Hold))
def test_whatever_keeps_a_job_from_running_it_can_be_stopped(hold: Hold) -> None:
    ids = waiting(hold=hold)

    assert stopping.stop(ids[0]) is JobState.STOPPED


def test_what_was_stopped_is_revoked_in_celery(app: Any) -> None:
    job_id = waiting()[0]

    assert stopping.stop(job_id) is JobState.STOPPED

    assert celery_state(app, job_id) == "REVOKED"
    with pytest.raises(TaskRevokedError):
        app.AsyncResult(job_id).get(timeout=1)
    assert row(job_id).aftermath_due is False


def test_a_stop_that_is_rolled_back_did_not_happen(
    database_alias: str, changes: list[Told]
) -> None:
    job_id = waiting()[0]

    with transaction.atomic(using=database_alias):
        stopping.stop(job_id)
        transaction.set_rollback(True, using=database_alias)

    assert row(job_id).state == JobState.PENDING
    assert changes == []
    assert not TaskResult.objects.exists()


def test_a_stop_of_a_job_that_is_none_says_so() -> None:
    with pytest.raises(UnknownJob):
        stopping.stop("nothing")

    assert stopping.stop_jobs(["nothing"]) == set()


def test_jobs_not_begun_in_their_time_expire(changes: list[Told]) -> None:
    queued, run = bound(expires_in=60)[0].id, running(expires_in=60).id
    lonely, young = waiting(expires_in=60)[0], waiting(expires_in=90)[0]
    assert terminations.expire() == []
    age([lonely, queued, run, young], "expires_at", seconds=61)
    changes.clear()

    assert len(terminations.expire()) == 2

    assert states([lonely, queued, run, young]) == ["EXPIRED", "EXPIRED", "ACTIVE", "PENDING"]
    assert sorted(one.old for one in changes) == ["PENDING", "QUEUED"]


def test_a_job_that_began_in_time_is_run_again_however_late() -> None:
    run = running(expires_in=60)
    age([run.id], "expires_at", seconds=70)

    membership.declare_gone(HERE, place().incarnation, beat=0, reason="gone")
    assert run.row.state == JobState.PENDING
    assert (terminations.is_any_overdue(), terminations.expire()) == (False, [])

    join()
    again = bind(place(), [LANE], limit=1, suspect=True)

    assert [job.id for job in again] == [run.id]
    assert terminations.expire() == []
    assert run.row.state == JobState.QUEUED


def test_the_leader_expires_and_concludes(app: Any) -> None:
    ids = waiting(expires_in=0)
    term = leadership.acquire(HERE, place().incarnation)
    assert term is not None

    overdue.expire(term)
    aftermath.sweep()

    assert states(ids) == ["EXPIRED"]
    assert celery_state(app, ids[0]) == "REVOKED"


def test_waiting_jobs_are_dropped_and_running_ones_are_not(app: Any) -> None:
    queued, run, lonely = bound()[0].id, running().id, waiting()[0]

    assert len(terminations.drop([lonely, queued, run])) == 2

    assert states([lonely, queued, run]) == ["DROPPED", "DROPPED", "ACTIVE"]
    aftermath.sweep()
    assert celery_state(app, queued) == "REVOKED"


def test_what_can_never_run_ends_with_the_reason(app: Any) -> None:
    ids = waiting(hold=Hold.DEPENDENCY)

    terminations.give_up(ids, state="ERROR", error_type="builtins.KeyError", error="a step failed")

    assert (row(ids[0]).state, row(ids[0]).error) == (JobState.ERROR, "a step failed")
    aftermath.sweep()
    with pytest.raises(KeyError, match="a step failed"):
        app.AsyncResult(ids[0]).get(timeout=1)
