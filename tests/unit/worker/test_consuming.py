"""What stands between the broker and Celery's handlers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from offload.worker import consuming
from offload.worker.consuming import dropping, refusing
from offload.worker.holdings import Holdings

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def holdings(monkeypatch: pytest.MonkeyPatch) -> Holdings:
    """Return what a new worker holds: nothing."""
    made = Holdings(concurrency=2)
    monkeypatch.setattr(consuming, "holdings", made)
    return made


def message(job_id: str | None, epoch: int = 1) -> Any:
    """Return a message; without a job's id it is a plain task's."""
    header = {"offload": {"id": job_id, "epoch": epoch}} if job_id else {}
    return SimpleNamespace(headers={"task": "a.task", **header})


def handler(handled: list[Any]) -> Callable[[Any], Any]:
    """Return a handler that drops, before one that collects."""
    return dropping(lambda: handled.append)()


def test_a_second_message_of_what_is_held_or_runs_is_dropped(holdings: Holdings) -> None:
    handled: list[Any] = []
    handle = handler(handled)
    holdings.receive(("one", 1), handle)

    handle(message("one"))
    holdings.accept(("one", 1), 101, handle)
    handle(message("one"))

    assert handled == []


def test_other_messages_are_handled(holdings: Holdings) -> None:
    handled: list[Any] = []
    handle = handler(handled)
    holdings.accept(("one", 1), 101, handle)
    others = [message("one", 2), message("two"), message(None), SimpleNamespace(headers=None)]

    for one in others:
        handle(one)
    holdings.end(("one", 1), handle)
    handle(message("one"))

    assert [*handled] == [*others, message("one")]


def test_jobs_of_unknown_tasks_are_refused_and_plain_tasks_left_to_celery(
    holdings: Holdings,
) -> None:
    left: list[Any] = []
    handle = refusing(lambda body, message, exc: left.append(message))

    handle(None, message("one"), KeyError())
    handle(None, plain := message(None), KeyError())

    assert holdings.snapshot()["refused"] == [["one", 1, "a.task"]]
    assert left == [plain]
