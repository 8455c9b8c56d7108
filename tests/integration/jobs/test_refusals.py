"""Refusals: the job waits for others first, and a task refused too often is broken there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from offload.dispatch import dispatching
from offload.fleet import membership
from offload.fleet.snapshots import snapshot
from offload.jobs import refusals
from offload.models import Exclusion, Instance, Job
from offload.tracking.binding.bindings import bind
from tests.integration.world import HERE, LANE, TASK, THERE, bound, join, place, row


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def test_a_refused_job_waits_for_others_first() -> None:
    join(THERE)
    job = bound()[0]

    refusals.refuse((job.id, 1), instance=HERE, task=TASK)

    assert (row(job.id).state, row(job.id).refusals) == ("PENDING", 1)
    exclusion = Exclusion.objects.get()
    assert exclusion.incarnation == place(HERE).incarnation
    assert exclusion.reason == f"{HERE} does not know the task {TASK}"
    assert dispatching.refill(HERE) == 0
    assert dispatching.refill(THERE) == 1


def test_a_refusal_of_an_older_binding_changes_nothing() -> None:
    job = bound()[0]

    refusals.refuse((job.id, 0), instance=HERE, task=TASK)

    assert row(job.id).state == "QUEUED"
    assert not Exclusion.objects.exists()


#: Refusals before, and for how many seconds the next one excludes.
EXCLUDED = [(0, 5), (1, 10), (2, 25), (7, 250), (8, 300), (1000, 300)]


@pytest.mark.parametrize(("before", "seconds"), EXCLUDED)
def test_each_refusal_excludes_for_longer_up_to_five_minutes(before: int, seconds: int) -> None:
    job = bound()[0]
    Job.objects.update(refusals=before)

    refusals.refuse((job.id, 1), instance=HERE, task=TASK)

    wait = Exclusion.objects.get().until - datetime.now(UTC)
    assert abs(wait.total_seconds() - seconds) < 3


def test_after_five_refusals_the_task_is_broken_there_and_goes_elsewhere(
    alarms: list[str],
) -> None:
    job = bound()[0]
    Job.objects.filter(pk=job.id).update(refusals=3)
    refusals.refuse((job.id, 1), instance=HERE, task=TASK)
    assert Instance.objects.get().broken == []
    Exclusion.objects.all().delete()
    (again,) = bind(place(), [LANE], limit=1)

    refusals.refuse((again.id, again.epoch), instance=HERE, task=TASK)

    assert Instance.objects.get().broken == [TASK]
    assert alarms == [f"{HERE} refused {TASK} 5 times and gets no more of it"]
    snapshot(fresh=True)
    Exclusion.objects.all().delete()
    assert dispatching.sweep() == 0
    refusals.mark_broken(HERE, TASK)
    assert len(alarms) == 1


def test_a_task_that_was_broken_is_tried_again_by_the_next_incarnation() -> None:
    refusals.mark_broken(HERE, TASK)
    membership.goodbye(HERE, place().incarnation)

    join()

    assert Instance.objects.get().broken == []
