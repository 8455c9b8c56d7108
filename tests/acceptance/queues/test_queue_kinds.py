"""Kinds of queues with real workers: what Sling's tests of its queues ask of them."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import pytest

import offload
from offload.models import Attempt, Job
from offload.queues import policies
from tests.acceptance.site.journal import events
from tests.acceptance.watching import add_queue, began
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.acceptance.fleet import Fleet

#: Jobs that run at once, of a queue that may run so many.
MOST = 5


def done(count: int) -> list[Job]:
    """Return all jobs in the order of submission, once so many have succeeded."""
    succeeded = Job.objects.filter(state="SUCCEEDED")
    eventually(lambda: succeeded.count() == count, within=240, what=f"the end of {count} jobs")
    return list(Job.objects.order_by("created_at", "pk"))


def levels(jobs: Sequence[Job]) -> set[int]:
    """Return how many of these jobs ran at the same time, at any time.

    One that began and ended within a tick of the database's clock is beside no other.
    """
    spans = [(began(job), job.finished_at) for job in jobs if job.finished_at is not None]
    assert len(spans) == len(jobs)
    changes = [
        (at, by)
        for span in spans
        if span[0] < span[1]
        for at, by in zip(span, (1, -1), strict=True)
    ]
    return {0, *accumulate(change for _, change in sorted(changes))}


@pytest.mark.parametrize("number", [12, pytest.param(31, marks=pytest.mark.long)])
def test_an_ordered_queue_keeps_its_order_past_failures(fleet: Fleet, number: int) -> None:
    fleet.need("a", "b")
    queue = add_queue("line", ["acc/flaky"], type="ordered", retry_delay=0, suspended=True)
    fails = [at % 4 == 1 and at < 12 for at in range(number)]
    jobs = [offload.submit("acc/flaky", {"times": int(one)}) for one in fails]

    policies.suspend([queue], suspended=False)

    rows = done(number)
    assert levels(rows) <= {0, 1}
    assert [row.pk for row in sorted(rows, key=began)] == [job.id for job in jobs]
    failed = {job.id for job, one in zip(jobs, fails, strict=True) if one}
    assert {one.job_id for one in Attempt.objects.filter(cause="failed")} == failed
    begun = [one.job for one in events(what="start")]
    assert len(begun) == number + 3
    # A job that failed comes again before any behind it.
    assert list(dict.fromkeys(begun)) == [job.id for job in jobs]


@pytest.mark.on("postgresql+rabbitmq")
@pytest.mark.parametrize("type_", ["unordered", "topic_round_robin"])
@pytest.mark.parametrize("number", [50, pytest.param(301, marks=pytest.mark.long)])
def test_a_limit_is_used_and_never_exceeded(fleet: Fleet, type_: str, number: int) -> None:
    fleet.need("a", "b", "c")
    topics = ["acc/sleep", "acc/any"]
    queue = add_queue("crowd", topics, type=type_, max_parallel=MOST, suspended=True)
    for at in range(number):
        slow = at < 10
        offload.submit(topics[at % 2], {"seconds": 0.3 if slow else 0.1})

    policies.suspend([queue], suspended=False)

    found = levels(done(number))
    assert found <= {*range(MOST + 1)}
    # What waits behind a busy process counts too, so that the last one is not always used.
    assert found >= {*range(MOST)}


def test_of_each_key_one_job_at_a_time_runs_in_order_and_many_keys_at_once(fleet: Fleet) -> None:
    fleet.need("a", "b")
    add_queue("assets", ["acc/sleep"], type="ordered_per_key", key="asset")
    keys = ["one", "two", "three"]
    for at in range(18):
        offload.submit("acc/sleep", {"seconds": 0.1}, key=keys[at % 3])

    rows = done(18)

    for key in keys:
        mine = [row for row in rows if row.key == key]
        assert (len(mine), levels(mine)) == (6, {0, 1})
        assert sorted(mine, key=began) == mine
    assert max(levels(rows)) > 1
