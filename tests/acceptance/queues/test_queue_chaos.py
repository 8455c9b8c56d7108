"""Queues while the fleet changes: what Sling's tests of that ask, with real workers killed."""

from __future__ import annotations

import time
from collections import Counter
from itertools import accumulate, count, cycle
from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.core.states import JobState, Waiting
from offload.models import Job
from offload.reading.waiting.explain import explain_job
from offload.rules import editing
from tests.acceptance.queues.disturbing import Disturbances
from tests.acceptance.site.journal import events
from tests.acceptance.watching import add_queue, began, pass_time, seconds
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.acceptance.fleet import Fleet
    from tests.acceptance.site.journal import Event

#: Properties of the topics that need others than a value.
GIVEN: dict[str, dict[str, Any]] = {"acc/sleep": {"seconds": 0.05}, "acc/add": {"x": 1, "y": 2}}
#: Seconds in which a backlog is done on a busy machine, losses included.
LIMIT = 300.0


def finished(number: int, within: float = LIMIT) -> None:
    """Wait until so many jobs have succeeded, and none is left."""
    succeeded = Job.objects.filter(state=JobState.SUCCEEDED)
    eventually(lambda: succeeded.count() == number, within=within, what=f"the end of {number} jobs")
    assert not Job.objects.unfinished().exists()


def at_once(journal: Iterable[Event]) -> set[int]:
    """Return how many runs were under way at the same time, at any time; each must have ended."""
    found = list(journal)
    changes = sorted((one.at, {"start": 1, "end": -1}[one.what]) for one in found)
    assert sum(by for _, by in changes) == 0
    return {0, *accumulate(by for _, by in changes)}


@pytest.mark.parametrize(
    ("type_", "most"), [("ordered", 1), ("topic_round_robin", 3)], ids=["ordered", "turns"]
)
@pytest.mark.parametrize("number", [20, pytest.param(200, marks=pytest.mark.long)])
def test_a_limit_is_kept_while_instances_are_denied_and_switched_off(
    fleet: Fleet, type_: str, most: int, number: int
) -> None:
    fleet.need("a", "b", "c")
    limit = {"max_parallel": most} if most > 1 else {}
    add_queue("narrow", ["acc/sleep"], type=type_, **limit)
    changes = Disturbances(fleet, ("a", "b", "c"))
    jobs = [offload.submit("acc/sleep", {"seconds": 0.2}) for _ in range(number)]

    succeeded = Job.objects.filter(state=JobState.SUCCEEDED)
    until = time.monotonic() + LIMIT
    while succeeded.count() < number and time.monotonic() < until:
        changes.next()
        pass_time(changes.random.uniform(0.1, 0.6))
    changes.settle()
    finished(number)

    assert len(changes.done) >= 3
    runs = at_once(events())
    assert runs <= {*range(most + 1)}
    assert max(runs) >= min(most, 2)
    begun = [one.job for one in events(what="start")]
    # Nobody was killed, so that each ran exactly once.
    assert Counter(begun) == Counter({job.id: 1 for job in jobs})
    if type_ == "ordered":
        assert begun == [job.id for job in jobs]


def test_half_of_the_jobs_run_and_the_rest_once_somebody_consumes_them(fleet: Fleet) -> None:
    fleet.need("a")
    topics = ["acc/quick", "acc/rare"]
    jobs = [offload.submit(topics[at % 2]) for at in range(20)]

    succeeded = Job.objects.filter(state=JobState.SUCCEEDED)
    eventually(lambda: succeeded.count() == 10, what="the end of one half")
    assert {explain_job(job.row).waiting for job in jobs[1::2]} == {Waiting.UNASSIGNED}
    assert {job.state for job in jobs[1::2]} == {JobState.PENDING}
    fleet.start("c", variables={"ACCEPTANCE_RARE": "1"})

    finished(20)


@pytest.mark.parametrize("number", [150, pytest.param(1500, marks=pytest.mark.long)])
def test_jobs_of_one_time_begin_then_and_are_all_done_within_a_minute(
    fleet: Fleet, number: int
) -> None:
    fleet.need("a", "b")

    offload.submit_many("acc/quick", [{"value": at} for at in range(number)], delay=2.5)

    finished(number, within=62.5)
    assert all(began(row) >= row.created_at + seconds(2.5) for row in Job.objects.all())
    assert Counter(one.job for one in events(what="ran")) == Counter(
        dict.fromkeys(Job.objects.values_list("pk", flat=True), 1)
    )


def test_jobs_run_exactly_once_while_their_topic_is_denied_and_allowed_in_turn(
    fleet: Fleet,
) -> None:
    [worker] = fleet.need("a")
    jobs = [offload.submit("acc/sleep", {"seconds": 0.2}) for _ in range(8)]

    for _ in range(3):
        editing.deny(worker.name, "acc/*")
        pass_time(0.3)
        editing.clear(worker.name, "acc/*")
        pass_time(0.3)

    finished(8)
    begun = Counter(one.job for one in events(what="start"))
    assert begun == Counter({job.id: 1 for job in jobs})


@pytest.mark.parametrize("duration", [4, pytest.param(60, marks=pytest.mark.long)])
def test_nothing_is_lost_while_workers_are_killed_and_ended_and_denied(
    fleet: Fleet, duration: float
) -> None:
    fleet.need("a", "b", "c")
    add_queue("line", ["acc/sleep"], type="ordered", retry_delay=0)
    add_queue("turns", ["acc/any", "acc/quick"], type="topic_round_robin", max_parallel=5)
    changes = Disturbances(fleet, ("a", "b", "c"), kills=True)
    topics, made = cycle(["acc/sleep", "acc/any", "acc/quick", "acc/add"]), count()
    jobs = []
    until = time.monotonic() + duration
    while time.monotonic() < until:
        changes.next()
        for _ in range(8):
            topic = next(topics)
            jobs.append(offload.submit(topic, GIVEN.get(topic, {"value": next(made)})))
            pass_time(changes.random.uniform(0, 0.1))
    changes.settle()

    finished(len(jobs))

    assert {row.pk for row in Job.objects.all()} == {job.id for job in jobs}
    # A run that was cut off has no end in the journal; of those that have, none were side by side.
    line = {row.pk for row in Job.objects.filter(queue="line")}
    ended = {(one.job, one.epoch) for one in events(what="end")}
    whole = [one for one in events() if one.job in line and (one.job, one.epoch) in ended]
    assert at_once(whole) <= {0, 1}
    # Whoever ran more than once says why.
    again = Job.objects.filter(attempts__gt=1)
    assert all(row.ended_attempts.exclude(cause="").exists() for row in again)
