"""Preferences, escalation after a failure, and queues for the leader alone, with real workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import offload
from offload.core.states import JobState
from offload.models import Job
from tests.acceptance.site.properties import file
from tests.acceptance.watching import add_queue, all_ended, began, ended, runner
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet

SITE = {"ACCEPTANCE_PROPERTIES": "1", "OFFLOAD_LABELS": "gpu"}


def test_jobs_go_where_they_would_rather_run_and_require_more_after_the_kernel_killed_one(
    fleet: Fleet,
) -> None:
    [plain] = fleet.need("a")
    file().write_text("3")
    fast = fleet.start("gpu", variables=SITE)
    eventually(lambda: fast.row.facts.get("gpus") == 3, what="its property")

    wish = [({"labels": ["gpu"]}, 5)]
    offload.submit_many("acc/sleep", [{"seconds": 0.5}] * (fast.row.window + 2), prefers=wish)
    killed = offload.submit(
        "acc/crash", {"times": 1}, requires={"gpus": {">=": 2}}, retry_with={"gpus": 2}
    )

    slept = all_ended("acc/sleep", fast.row.window + 2)
    where = [one.instance for one in sorted(slept, key=lambda one: (one.started_at, one.pk))]
    assert where.count(fast.name) >= fast.row.window
    assert where.count(plain.name) <= 2
    assert ended(killed).state == JobState.SUCCEEDED
    row = Job.objects.get(pk=killed.id)
    assert (row.instance, row.crashes) == (fast.name, 1)
    found = offload.explain(killed)
    assert [one.sentence for one in found.raised] == [
        "gpus was raised from 2 to 3: attempt 1 ran out of memory."
    ]
    assert found.requires.given == {"gpus": {">=": 3}}


def test_jobs_for_the_leader_alone_move_with_leadership(fleet: Fleet) -> None:
    workers = {one.name: one for one in fleet.need("a", "b")}
    add_queue("alone", ["acc/sleep"], leader_only=True)
    jobs = offload.submit_many("acc/sleep", [{"seconds": 0.3}] * 6)
    former = runner(fleet, jobs[0])

    former.kill()

    rows = all_ended("acc/sleep", 6)
    assert {one.state for one in rows} == {JobState.SUCCEEDED}
    [other] = workers.keys() - {former.name}
    where = {one.instance for one in rows}
    assert other in where
    assert where <= {former.name, other}
    ended_there = [one.finished_at for one in rows if one.instance == former.name]
    began_here = [began(one) for one in rows if one.instance == other]
    assert all(end is not None and end <= min(began_here) for end in ended_there)


def test_a_job_that_takes_all_places_runs_alone_among_small_ones(fleet: Fleet) -> None:
    fleet.need("a")
    offload.submit_many("acc/sleep", [{"seconds": 0.3}] * 12)

    alone = offload.submit("acc/gate", {"gate": "/"}, slots="all")

    row = ended(alone)
    assert row.state == JobState.SUCCEEDED
    others = all_ended("acc/sleep", 12)
    assert row.started_at is not None
    assert max(began(one) for one in others) > row.started_at, "it did not wait for all of them"
    assert row.finished_at is not None
    together = [
        one
        for one in others
        if began(one) < row.finished_at and one.finished_at and one.finished_at > row.started_at
    ]
    assert together == []
