"""What follows an end is done exactly once, however often it fails before."""

from __future__ import annotations

import pytest
from django_celery_results.models import TaskResult

from offload.jobs import aftermath
from offload.models import Job
from offload.tracking import terminations
from tests.databases import on_postgresql
from tests.integration.beside import together
from tests.integration.world import join, row, waiting


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


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
    turn = aftermath.Turn()
    terminations.drop([*broken, fine])
    monkeypatch.setattr(aftermath, "SWEEP_JOBS", 2)

    with monkeypatch.context() as patch:
        patch.setattr("offload.canvas.following.tail.follow", lambda _: 1 / 0)
        assert sum(aftermath.sweep(turn) for _ in range(3)) == 1
        assert sum(aftermath.sweep(turn) for _ in range(3)) == 0

    assert row(fine).aftermath_due is False
    assert sum(aftermath.sweep(turn) for _ in range(3)) == 4


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
    turn = aftermath.Turn()

    assert [aftermath.sweep(turn), terminations.due()] == [1, ids[1:]]
    assert [aftermath.sweep(turn), terminations.due()] == [1, ids[2:]]
    assert [aftermath.sweep(turn), terminations.due()] == [1, []]


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
