"""Plain Celery tasks on workers that run jobs too: as Celery documents them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from celery import chain, chord

import offload
from offload.models import Job
from tests.acceptance.site import tasks
from tests.acceptance.site.journal import events
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet

pytestmark = pytest.mark.everywhere


def test_a_job_runs_on_a_worker_and_its_result_comes_back(fleet: Fleet) -> None:
    fleet.need("a", "b")

    assert offload.submit("acc/quick", {"value": {"a": [1, None]}}).result(30) == {"a": [1, None]}


def test_plain_celery_tasks_run_on_the_same_worker_as_ever(fleet: Fleet) -> None:
    fleet.need("a", "b")

    assert tasks.add.delay(2, 3).get(timeout=30) == 5
    assert not Job.objects.exists()


def test_a_plain_task_that_retries_itself_is_run_again_by_celery(fleet: Fleet) -> None:
    fleet.need("a", "b")

    result = tasks.plain_again.delay(2)

    assert result.get(timeout=30) == "retried 2 times"
    assert len(events(result.id, "start")) == 3


def test_a_plain_task_waits_for_its_countdown(fleet: Fleet) -> None:
    fleet.need("a", "b")
    asked = time.time()

    result = tasks.plain.apply_async(("late",), countdown=1)

    assert result.get(timeout=30) == "late"
    assert events(result.id)[0].at - asked >= 1


def test_a_soft_time_limit_is_raised_in_a_plain_task(fleet: Fleet) -> None:
    fleet.need("a", "b")

    assert tasks.plain_nap.delay().get(timeout=30) == "woken"


def test_a_plain_task_that_waits_is_revoked_by_celery(fleet: Fleet) -> None:
    fleet.need("a", "b")
    result = tasks.plain.apply_async(("never",), countdown=1)
    later = tasks.plain.apply_async(("later",), countdown=2)

    result.revoke()

    eventually(lambda: str(result.state) == "REVOKED", what="it is revoked")
    assert later.get(timeout=30) == "later"
    assert events(result.id) == []


def test_plain_chains_and_chords_are_celerys(fleet: Fleet) -> None:
    fleet.need("a", "b")

    chained = chain(tasks.add.s(1, 2), tasks.add.s(3), tasks.add.s(4)).apply_async()
    joined = chord([tasks.add.s(n, n) for n in range(4)])(tasks.plain_sum.s())

    assert chained.get(timeout=30) == 10
    assert joined.get(timeout=30) == 12
    assert not Job.objects.exists()
