from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

import offload
from offload.core.placement.reasons import Obstacle
from offload.core.states import JobState, Waiting
from offload.reading.waiting.explain import explain_job
from offload.rules import editing, switching
from tests.acceptance.site.journal import events
from tests.acceptance.watching import all_ended, began, ended
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet


@pytest.mark.everywhere
def test_after_a_deny_none_of_the_unstarted_jobs_runs_on_that_instance(fleet: Fleet) -> None:
    one, other = fleet.need("a", "b")
    offload.submit_many("acc/sleep", [{"seconds": 0.3}] * 50)
    eventually(lambda: len(events(what="start")) >= 6, what="the first runs")

    rule = editing.deny(one.name, "acc/*")
    denied = timezone.now()

    eventually(
        lambda: ["deny", "acc/*", None] in one.row.applied.get("rules", []),
        what="the rule as the instance applies it",
    )
    rows = all_ended("acc/sleep", 50)
    assert {row.state for row in rows} == {JobState.SUCCEEDED}
    there = [row for row in rows if row.instance == one.name]
    assert there
    assert [row.pk for row in there if began(row) > denied] == []
    assert {row.attempts for row in rows} == {1}
    assert len([row for row in rows if row.instance == other.name]) >= 40

    waiting = offload.submit("acc/quick", {"value": 1})
    assert ended(waiting).instance == other.name
    rule.delete()


def test_an_instance_that_is_off_takes_nothing_until_it_is_on(fleet: Fleet) -> None:
    [worker] = fleet.need("a")
    switching.switch(worker.name, off=True)

    job = offload.submit("acc/quick", {"value": 1})
    told = explain_job(job.row)
    assert told.waiting == Waiting.UNASSIGNED
    assert [one.reason.obstacle for one in told.verdicts if one.reason] == [Obstacle.OFF]
    switching.switch(worker.name, off=False)

    assert job.result(30) == 1


def test_a_job_without_a_consumer_waits_with_its_reason_and_runs_when_one_starts(
    fleet: Fleet,
) -> None:
    [worker] = fleet.need("a")
    job = offload.submit("acc/rare")
    told = explain_job(job.row)

    assert told.waiting == Waiting.UNASSIGNED
    assert [(one.instance, one.reason.obstacle) for one in told.verdicts if one.reason] == [
        (worker.name, Obstacle.NO_CONSUMER)
    ]
    assert job.state == JobState.PENDING

    able = fleet.start("c", variables={"ACCEPTANCE_RARE": "1"})

    assert job.result(30) == "rare"
    assert job.row.instance == able.name


def test_a_job_waits_with_its_reason_while_there_is_no_worker_at_all(fleet: Fleet) -> None:
    fleet.need()
    job = offload.submit("acc/quick", {"value": 1})
    told = explain_job(job.row)
    assert told.waiting == Waiting.UNASSIGNED
    assert told.sentence

    fleet.start("a")

    assert job.result(30) == 1
