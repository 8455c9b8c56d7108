"""Ends without a run: stop, expiry, drop; and what follows an end, done exactly once."""

from __future__ import annotations

from typing import Any

import pytest
from celery.exceptions import TaskRevokedError
from django.db import transaction
from django_celery_results.models import TaskResult

from offload.core.exceptions import UnknownJob
from offload.core.states import Hold, JobState
from offload.db import database
from offload.dispatch import unbegun
from offload.fleet import leadership, membership
from offload.jobs import aftermath, stopping
from offload.models import Job
from offload.results import result_backend
from offload.tracking import terminations
from offload.tracking.bindings import bind
from tests.databases import on_postgresql
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
    together,
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
    engine_database: str, changes: list[Told]
) -> None:
    job_id = waiting()[0]

    with transaction.atomic(using=engine_database):
        stopping.stop(job_id)
        transaction.set_rollback(True, using=engine_database)

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

    unbegun.expire(term)
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


def test_a_job_that_wants_no_result_is_concluded_without_one() -> None:
    ids = waiting(options={"ignore_result": True})
    terminations.drop(ids)

    assert aftermath.sweep() == 1

    assert row(ids[0]).aftermath_due is False
    assert not TaskResult.objects.exists()


def test_what_is_due_is_done_once(followed: list[str]) -> None:
    ids = waiting(tail={"chain": []}, has_tail=True)
    terminations.drop(ids)

    assert aftermath.conclude(ids[0]) is True
    assert aftermath.conclude(ids[0]) is False
    assert aftermath.sweep() == 0
    assert followed == ids


def test_what_is_due_and_fails_stays_due_and_keeps_nobody_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken, fine = waiting(tail={"chain": []}, has_tail=True)[0], waiting()[0]
    terminations.drop([broken, fine])

    def fail(_: object) -> None:
        raise RuntimeError("no canvas")

    with monkeypatch.context() as patch:
        patch.setattr("offload.canvas.following.tail.follow", fail)
        assert aftermath.sweep() == 1

    assert (row(broken).aftermath_due, row(fine).aftermath_due) == (True, False)
    assert list(TaskResult.objects.values_list("task_id", flat=True)) == [fine]
    assert aftermath.sweep() == 1


def test_more_that_fail_than_a_sweep_takes_keep_nobody_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken, fine = waiting(4, tail={"chain": []}, has_tail=True), waiting()[0]
    terminations.drop([*broken, fine])
    monkeypatch.setattr(aftermath, "SWEEP_JOBS", 2)

    with monkeypatch.context() as patch:
        patch.setattr("offload.canvas.following.tail.follow", lambda _: 1 / 0)
        assert sum(aftermath.sweep() for _ in range(3)) == 1
        assert sum(aftermath.sweep() for _ in range(3)) == 0

    assert row(fine).aftermath_due is False
    assert sum(aftermath.sweep() for _ in range(3)) == 4


def test_a_sweep_concludes_however_many_are_due(monkeypatch: pytest.MonkeyPatch) -> None:
    terminations.drop(waiting(7))
    monkeypatch.setattr(aftermath, "SWEEP_JOBS", 2)

    assert aftermath.sweep() == 7
    assert terminations.due() == []


def test_a_sweep_whose_time_is_over_leaves_the_rest_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = waiting(3)
    terminations.drop(ids)
    monkeypatch.setattr(aftermath, "SWEEP_SECONDS", 0.0)

    assert [aftermath.sweep(), terminations.due()] == [1, ids[1:]]
    assert [aftermath.sweep(), terminations.due()] == [1, ids[2:]]
    assert [aftermath.sweep(), terminations.due()] == [1, []]


def test_what_is_due_behind_an_id_is_followed_by_the_first_again() -> None:
    ids = waiting(5)
    terminations.drop(ids)

    assert terminations.due(3) == ids[:3]
    assert terminations.due(3, after=ids[2]) == [*ids[3:], ids[0]]
    assert terminations.due(9, after=ids[2]) == [*ids[3:], *ids[:3]]


@on_postgresql
def test_of_many_that_conclude_one_job_at_once_one_does_it(followed: list[str]) -> None:
    ids = waiting(10, tail={"chain": []}, has_tail=True)
    terminations.drop(ids)

    done = together([lambda: aftermath.conclude_all(ids)] * 4)

    assert sum(done) == 10
    assert sorted(followed) == sorted(ids)
    assert not Job.objects.filter(aftermath_due=True).exists()


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ids of the jobs whose end something followed, in place of the canvas."""
    found: list[str] = []
    monkeypatch.setattr("offload.canvas.following.tail.follow", lambda end: found.append(end.id))
    return found


def test_what_follows_an_end_is_found_by_an_index() -> None:
    explain = "EXPLAIN QUERY PLAN " if database.vendor() == "sqlite" else "EXPLAIN "
    with database.atomic():
        if database.vendor() == "postgresql":
            database.execute("SET LOCAL enable_seqscan = off")
        plan = database.rows(explain + result_backend.CHILDREN_SQL, ["parent"])

    assert "offload_job_children" in str(plan)
