"""Counts of waiting and running jobs, by one statement."""

from __future__ import annotations

from offload.models import Job
from offload.reading.cluster.counts import count
from offload.tracking import claiming
from tests.arranging import arrange
from tests.integration.world import (
    HERE,
    THERE,
    TOPIC,
    age,
    bound,
    join,
    key_of,
    statements,
    waiting,
)  # fmt: skip


def test_jobs_are_counted_by_what_they_do_and_where() -> None:
    join(HERE)
    join(THERE)
    first, _ = bound(2, name=HERE)
    bound(1, name=THERE, topic="dam/other")
    claiming.claim(key_of(first))
    waiting(3)

    found = count()

    assert found.waiting == {TOPIC: 3}
    assert found.queued == {(HERE, TOPIC): 1, (THERE, "dam/other"): 1}
    assert found.active == {(HERE, TOPIC): 1}
    assert (found.running_on(HERE), found.bound_to(HERE)) == (1, 1)
    assert (found.running(TOPIC), found.bound("dam/other")) == (1, 1)


def test_everything_that_waits_for_an_instance_or_its_time_waits() -> None:
    waiting(1)
    waiting(1, delay=60.0)
    waiting(1, hold="suspect")
    waiting(1, hold="dependency")

    found = count()
    assert found.waiting == {TOPIC: 3}
    assert found.due(TOPIC) == 2
    assert (found.later[TOPIC].count, found.later[TOPIC].retrying) == (1, 0)
    # SQLite reckons in fractions of a day, so it may be a hair more.
    assert 50 < found.later[TOPIC].seconds < 61


def test_what_waits_for_its_retry_is_told_from_what_was_delayed() -> None:
    ids = waiting(3, delay=90.0)
    Job.objects.ids(ids[:1]).update(attempts=1)
    age(ids[:1], "run_at", seconds=60)
    age(ids[1:2], "run_at", seconds=120)

    later = count().later[TOPIC]

    assert (later.count, later.retrying, count().due(TOPIC)) == (2, 1, 1)
    assert 20 < later.seconds <= 30


def test_topics_of_ended_jobs_are_known_for_a_while() -> None:
    ended = waiting(1, topic="dam/past")
    age(ended, "created_at", seconds=60)
    arrange(Job.objects.ids(ended), state="SUCCEEDED", finished_at="2025-01-01T00:00Z")
    waiting(1, topic="celery/plain", kind="relay", hold="relay")

    assert count().topics == {"dam/past"}
    assert count().waiting == {}


def test_it_is_one_statement() -> None:
    waiting(5)

    with statements() as said:
        count()

    assert len(said) == 1
