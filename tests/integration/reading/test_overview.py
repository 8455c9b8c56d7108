"""The cluster in numbers, by a constant number of statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.core.placement.topology import Mode
from offload.fleet import leadership, membership
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Job, Queue
from offload.reading import overview
from offload.reading.cluster.queues import queues
from offload.rules import editing, switching
from offload.tracking import terminations
from tests.integration.world import (
    HERE,
    THERE,
    TOPIC,
    bound,
    join,
    running,
    statements,
    waiting,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable


def test_an_empty_cluster_has_nothing() -> None:
    cluster = overview.overview()
    assert (cluster.instances, cluster.topics, cluster.leader, cluster.term) == ((), (), None, 0)
    assert (cluster.waiting, cluster.bound, cluster.active, cluster.ready) == (0, 0, 0, 0)


def test_an_instance_is_shown_with_what_it_holds() -> None:
    leadership.acquire(HERE, join(labels=["b", "a"]))
    running()
    bound(2)
    (line,) = overview.instances()
    assert (line.name, line.mode, line.is_off, line.is_leader) == (HERE, Mode.READY, False, True)
    assert (line.concurrency, line.window) == (2, 4)
    assert (line.running, line.bound, line.held) == (1, 2, 3)
    assert line.labels == ("a", "b")
    assert [one.pattern.text for one in line.consumers] == ["dam/**"]
    assert 0 <= line.beat_age_seconds < 30


def test_the_age_of_a_beat_is_counted_by_the_database() -> None:
    join()
    Instance.objects.update(beat_at="2020-01-01T00:00:00Z")
    (line,) = overview.instances()
    assert line.beat_age_seconds > 86_400


def test_instances_stand_in_the_order_they_joined() -> None:
    for name in ("c@x", "a@x", "b@x"):
        join(name)
    assert [line.name for line in overview.instances()] == ["c@x", "a@x", "b@x"]


def test_who_is_gone_does_not_lead() -> None:
    incarnation = join()
    leadership.acquire(HERE, incarnation)
    membership.goodbye(HERE, incarnation)
    cluster = overview.overview()
    assert (cluster.leader, cluster.ready, cluster.instances[0].mode) == (None, 0, Mode.GONE)


def test_who_is_off_takes_no_work() -> None:
    join()
    switching.switch(HERE, off=True)
    cluster = overview.overview()
    assert (cluster.instances[0].is_off, cluster.ready) == (True, 0)


def test_jobs_are_counted_by_topic_and_stage() -> None:
    join()
    running()
    bound()
    waiting(2)
    waiting(delay=60.0)
    Job.objects.filter(pk=waiting()[0]).update(hold="suspect")
    terminations.stop(waiting())
    line = {one.topic: one for one in overview.topics()}[TOPIC]
    assert (line.waiting, line.bound, line.active) == (4, 1, 1)
    cluster = overview.overview()
    assert (cluster.waiting, cluster.bound, cluster.active) == (4, 1, 1)


def test_topics_of_late_are_known_without_consumer_or_open_job() -> None:
    terminations.stop(waiting(topic="audio/mix"))
    (line,) = overview.topics()
    assert (line.topic, line.waiting, line.can_run) == ("audio/mix", 0, 0)


@pytest.mark.parametrize(
    ("restrict", "expected"),
    [
        (lambda: editing.deny(THERE, TOPIC), {"dam/**": 2, TOPIC: 1}),
        (lambda: editing.deny(THERE, "dam/**"), {"dam/**": 1, TOPIC: 1}),
        (lambda: editing.exclusive(THERE, [TOPIC]), {"dam/**": 1, TOPIC: 2}),
        (lambda: switching.switch(THERE, off=True), {"dam/**": 1, TOPIC: 1}),
    ],
)
def test_a_topic_can_be_run_by_whom_the_rules_leave_it(
    restrict: Callable[[], object], expected: dict[str, int]
) -> None:
    join()
    join(THERE)
    waiting()
    restrict()
    assert {line.topic: line.can_run for line in overview.topics()} == expected


def test_a_full_window_does_not_keep_an_instance_from_counting() -> None:
    join(concurrency=1)
    bound(2)
    assert {line.can_run for line in overview.topics()} == {1}


def test_queues_count_their_own_jobs() -> None:
    Queue.objects.create(name="narrow", topics=["dam/**"], max_parallel=1)
    join()
    running()
    waiting(2)
    waiting(3, queue="narrow")
    waiting(queue="narrow", delay=60.0)
    found = {line.policy.name: line for line in queues()}
    assert {name: (one.waiting, one.bound, one.active) for name, one in found.items()} == {
        "default": (2, 0, 1),
        "narrow": (4, 0, 0),
    }
    assert found["narrow"].policy.limit == 1


@pytest.mark.parametrize(
    ("ask", "limit"),
    [(overview.overview, 4), (overview.instances, 3), (overview.topics, 2), (queues, 2)],
)
def test_the_number_of_statements_does_not_grow(ask: Callable[[], object], limit: int) -> None:
    counts = []
    for numbers in (range(1), range(1, 12)):
        for number in numbers:
            join(f"w{number}@here")
            waiting(topic=f"dam/t{number}")
        snapshot(fresh=True)
        with statements() as asked:
            ask()
        counts.append(len(asked))
    assert counts == [limit, limit]
