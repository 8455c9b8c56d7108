"""Queues made, changed, suspended, resumed and removed: previewed, applied, and refused alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.core.exceptions import InvalidQueue, UnknownQueue
from offload.models import Queue
from offload.models.change_records import Entrance
from offload.models.versions import current_version
from offload.operations.changes.actors import Actor
from offload.operations.changes.queues import (
    AddQueue,
    ChangeQueue,
    RemoveQueue,
    ResumeQueue,
    SuspendQueue,
)
from tests.integration.world import TOPIC, bound, join, states, waiting

if TYPE_CHECKING:
    from offload.operations.changes.change import Change
    from offload.operations.changes.queues import QueueOutcome

    QueueChange = Change[QueueOutcome]

ANNA = Actor(name="anna@desk", entrance=Entrance.TERMINAL)


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def rows() -> list[Any]:
    """Return the queues there are."""
    names = ("name", "topics", "max_parallel", "retries", "suspended", "note")
    return list(Queue.objects.order_by("pk").values_list(*names))


CHANGES: dict[str, tuple[QueueChange, str]] = {
    "add": (
        AddQueue(name="new", topics=("dam/**", "b"), fields={"max_parallel": 2, "note": ""}),
        "Made queue new for dam/**, b: maximum parallel jobs 2, note none. Submitted before, "
        "3 jobs of its topics stay in queue default and go by it.",
    ),
    "set": (
        ChangeQueue(name="slow", fields={"max_parallel": 1, "topics": ["a", "b"]}),
        "Changed queue slow: maximum parallel jobs 1, topic patterns a b.",
    ),
    "suspend": (SuspendQueue(name="slow", note="disk"), "Suspended queue slow: disk."),
    "resume": (ResumeQueue(name="held"), "Resumed queue held."),
    "remove": (RemoveQueue(name="slow"), "Removed queue slow."),
    "suspend what is declared": (SuspendQueue(name="declared"), "Suspended queue declared."),
    "default": (
        ChangeQueue(name="default", fields={"retries": 3}),
        "Changed queue default: retries 3.",
    ),
}


@pytest.fixture
def _queues() -> None:
    Queue.objects.create(name="slow", topics=["audio/*"])
    Queue.objects.create(name="held", topics=["video/*"], suspended=True, note="licence")
    Queue.objects.create(name="declared", topics=["text/*"], is_declared=True)
    waiting(3)


@pytest.mark.usefixtures("_queues")
@pytest.mark.parametrize(("change", "text"), CHANGES.values(), ids=CHANGES)
def test_a_preview_changes_nothing_and_says_what_the_change_comes_to(
    change: QueueChange, text: str
) -> None:
    ids = [job.id for job in bound(3, queue="slow", topic="audio/mix")]
    before, version = rows(), current_version()

    found = change.preview()

    assert (rows(), current_version()) == (before, version)
    assert states(ids) == ["QUEUED"] * 3
    outcome = change.apply(ANNA)
    assert outcome.text == found.outcome.text == text
    assert outcome.recalled == found.outcome.recalled == states(ids).count("PENDING")
    assert rows() != before


@pytest.mark.usefixtures("_queues")
def test_a_new_queue_is_previewed_with_the_topics_that_go_to_it() -> None:
    found = AddQueue(name="new", topics=("dam/**",)).preview()

    assert found.moved == {TOPIC: ("default", "new")}
    assert found.waiting == 0
    assert found.outcome.elsewhere == {"default": 3}


def test_a_suspension_is_previewed_with_the_jobs_that_it_holds_and_takes_back() -> None:
    Queue.objects.create(name="slow", topics=["dam/**"])
    bound(2, queue="slow")
    waiting(4, queue="slow")
    waiting(1)

    found = SuspendQueue(name="slow").preview()

    assert (found.waiting, found.outcome.recalled) == (4, 2)
    assert found.moved == {}
    assert SuspendQueue(name="default").preview().waiting == 1


REFUSED: dict[str, tuple[QueueChange, type[Exception], str]] = {
    "pattern": (AddQueue(name="new", topics=("a//b",)), InvalidQueue, "is not a pattern"),
    "no topic": (AddQueue(name="new", topics=()), InvalidQueue, "Give a list of patterns|blank"),
    "taken": (AddQueue(name="slow", topics=("a",)), InvalidQueue, "already exists"),
    "name": (AddQueue(name="a b", topics=("a",)), InvalidQueue, "name: "),
    "limit": (ChangeQueue(name="slow", fields={"max_parallel": 0}), InvalidQueue, "equal to 1"),
    "note": (SuspendQueue(name="slow", note="x" * 256), InvalidQueue, "at most 255 characters"),
    "declared": (ChangeQueue(name="declared", fields={"retries": 1}), InvalidQueue, "declared in"),
    "removed where declared": (RemoveQueue(name="declared"), InvalidQueue, "declared in"),
    "set of none": (ChangeQueue(name="none", fields={"retries": 1}), UnknownQueue, "'none'"),
    "resume of none": (ResumeQueue(name="none"), UnknownQueue, "'none'"),
    "removal of none": (RemoveQueue(name="default"), UnknownQueue, "'default'"),
}


@pytest.mark.usefixtures("_queues")
@pytest.mark.parametrize(("change", "kind", "problem"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_by_preview_and_change_in_the_same_words(
    change: QueueChange, kind: type[Exception], problem: str
) -> None:
    before = rows()

    with pytest.raises(kind, match=problem) as previewed:
        change.preview()
    with pytest.raises(kind) as applied:
        change.apply(ANNA)

    assert str(previewed.value) == str(applied.value)
    assert rows() == before
