"""Changes of queues act at once on what is bound."""

from __future__ import annotations

from typing import Any

import pytest

from offload.core.exceptions import InvalidQueue
from offload.dispatch import dispatching
from offload.fleet.snapshots import snapshot
from offload.models import Queue
from offload.queues import policies
from offload.tracking import claiming
from tests.integration.world import HERE, bound, join, key_of, states, waiting


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join(HERE, concurrency=4)


def queue(**facts: Any) -> Queue:
    """Make a queue for everything."""
    made: Queue = Queue.objects.create(name="narrow", topics=["dam/**"], **facts)
    snapshot(fresh=True)
    return made


def test_a_suspended_queue_keeps_its_note_until_it_is_resumed() -> None:
    narrow = queue()
    policies.suspend([narrow], suspended=True, note="licence")

    policies.suspend([narrow], suspended=True)
    assert narrow.note == "licence"

    policies.suspend([narrow], suspended=False)
    assert narrow.note == ""


def test_a_suspended_queue_gives_back_all_that_has_not_begun() -> None:
    narrow = queue()
    jobs = bound(3, queue="narrow")
    assert claiming.claim(key_of(jobs[0]))

    assert policies.suspend([narrow], suspended=True) == 2

    assert states([job.id for job in jobs]) == ["ACTIVE", "PENDING", "PENDING"]
    assert dispatching.sweep() == 0


def test_a_note_that_cannot_be_kept_is_refused_and_suspends_nothing() -> None:
    narrow = queue()

    with pytest.raises(InvalidQueue, match="255"):
        policies.suspend([narrow], suspended=True, note="x" * 256)

    assert not Queue.objects.get().suspended


def test_a_resumed_queue_is_bound_again() -> None:
    narrow = queue(suspended=True)
    ids = waiting(2, queue="narrow")

    assert policies.suspend([narrow], suspended=False) == 0
    dispatching.sweep()

    assert states(ids) == ["QUEUED", "QUEUED"]


@pytest.mark.parametrize(
    ("options", "taken"),
    [({"max_parallel": 3}, 1), ({"max_parallel": 9}, 0), ({"type": "ordered"}, 3), ({}, 0)],
)
def test_the_last_in_line_are_taken_back_beyond_the_limit(
    options: dict[str, Any], taken: int
) -> None:
    narrow = queue()
    urgent = waiting(1, queue="narrow", priority=5)
    ids = [*urgent, *waiting(3, queue="narrow")]
    dispatching.sweep()
    for name, value in options.items():
        setattr(narrow, name, value)

    assert policies.save(narrow) == taken

    assert states(ids) == ["QUEUED"] * (4 - taken) + ["PENDING"] * taken


def test_what_runs_counts_against_the_limit_and_goes_on() -> None:
    narrow = queue()
    jobs = bound(3, queue="narrow")
    for job in jobs[:2]:
        assert claiming.claim(key_of(job))
    narrow.max_parallel = 1

    assert policies.save(narrow) == 1

    assert states([job.id for job in jobs]) == ["ACTIVE", "ACTIVE", "PENDING"]


def test_other_queues_are_left_alone() -> None:
    narrow = queue()
    others = [job.id for job in bound(2)]

    policies.suspend([narrow], suspended=True)

    assert states(others) == ["QUEUED", "QUEUED"]


def test_every_change_moves_the_version() -> None:
    before = snapshot(fresh=True).version

    narrow = queue()
    policies.save(narrow)
    changed = snapshot(fresh=True).version
    policies.remove([narrow])

    assert before < changed < snapshot(fresh=True).version
    assert not Queue.objects.exists()


def test_a_new_queue_is_stored() -> None:
    policies.save(Queue(name="new", topics=["a/**"]))

    assert [row.name for row in Queue.objects.all()] == ["new"]
