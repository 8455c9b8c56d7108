"""Queues that drain, and what waits in them dropped."""

from __future__ import annotations

from typing import Any

import pytest

import offload
from offload.core.exceptions import InvalidQueue, UnknownQueue
from offload.core.states import JobState, Waiting
from offload.dispatch import dispatching
from offload.models import ChangeRecord, Job, Queue
from offload.operations.changes.actors import at_terminal
from offload.operations.changes.queues import (
    AddQueue,
    DrainQueue,
    DropWaiting,
    RemoveQueue,
    ResumeQueue,
    SuspendQueue,
)
from offload.reading.waiting.explain import explain_job
from tests.integration.world import TOPIC, join, running


@pytest.fixture(autouse=True)
def _queue(app: object) -> None:
    AddQueue(name="renders", topics=(TOPIC,)).apply(at_terminal())


def submitted(count: int = 1) -> list[str]:
    """Submit jobs to the queue; return their ids."""
    return [one.id for one in offload.submit_many(TOPIC, [{}] * count)]


def states(ids: list[str]) -> set[str]:
    """Return the states of these jobs."""
    return set(Job.objects.ids(ids).values_list("state", flat=True))


def test_a_queue_that_drains_runs_what_is_there_and_lets_wait_what_comes() -> None:
    before = submitted()
    DrainQueue(name="renders", note="new licence server").apply(at_terminal())
    after = submitted(2)
    join()
    dispatching.sweep()

    assert (states(before), states(after)) == ({"QUEUED"}, {"PENDING"})
    told = explain_job(Job.objects.get(pk=after[0]))
    assert told.waiting is Waiting.DRAINED
    assert told.next_step == "To resume it: manage.py offload queues resume renders"
    row = Queue.objects.get(name="renders")
    assert (row.drains, row.suspended, row.note) == (True, False, "new licence server")
    assert (row.held_by, row.held_since is not None) == (at_terminal().name, True)

    ResumeQueue(name="renders").apply(at_terminal())
    dispatching.sweep()

    assert states(after) == {"QUEUED"}
    row = Queue.objects.get(name="renders")
    assert (row.drains, row.held_by, row.held_since) == (False, "", None)
    actions = ChangeRecord.objects.filter(kind="queue").order_by("id")
    assert list(actions.values_list("action", flat=True)) == [
        "add queue",
        "drain queue",
        "resume queue",
    ]


def test_a_queue_that_is_suspended_while_it_drains_lets_all_of_it_go_on_when_it_is_resumed() -> (
    None
):
    DrainQueue(name="renders").apply(at_terminal())
    ids = submitted()
    SuspendQueue(name="renders").apply(at_terminal())
    ResumeQueue(name="renders").apply(at_terminal())
    join()
    dispatching.sweep()

    assert states(ids) == {"QUEUED"}


def test_a_queue_that_is_removed_while_it_drains_keeps_nobody_waiting() -> None:
    DrainQueue(name="renders").apply(at_terminal())
    ids = submitted()
    RemoveQueue(name="renders").apply(at_terminal())
    join()
    dispatching.sweep()

    assert states(ids) == {"QUEUED"}


def test_what_waits_is_dropped_and_what_runs_goes_on() -> None:
    join()
    run = running(queue="renders")
    waiting = submitted(3)
    dispatching.sweep()

    first = DropWaiting(name="renders", most=2, note="wrong files").apply(at_terminal())
    second = DropWaiting(name="renders").apply(at_terminal())

    assert (first.dropped, first.left) == (2, 1)
    assert (second.dropped, second.left) == (1, 0)
    assert states(waiting) == {"DROPPED"}
    assert run.row.state == JobState.ACTIVE
    record = ChangeRecord.objects.filter(action="drop waiting").order_by("id")[0]
    assert record.text == (
        "Dropped 2 waiting jobs of queue renders: wrong files. 1 more wait: repeat it for them."
    )
    assert (record.kind, record.subject) == ("queue", "renders")


@pytest.mark.parametrize("change", [DrainQueue, DropWaiting])
def test_a_queue_that_does_not_exist_is_refused(change: Any) -> None:
    with pytest.raises(UnknownQueue):
        change(name="rendres").apply(at_terminal())


def test_a_note_that_cannot_be_kept_is_refused_and_nothing_is_changed() -> None:
    with pytest.raises(InvalidQueue):
        DrainQueue(name="renders", note="x" * 300).apply(at_terminal())
    assert not Queue.objects.get(name="renders").drains


def test_a_preview_drops_nothing() -> None:
    ids = submitted(2)

    found = DropWaiting(name="renders").preview()

    assert found.outcome.dropped == 2
    assert states(ids) == {"PENDING"}
