"""Suspects of a crash are bound one at a time, and keep no other job back."""

from __future__ import annotations

from typing import Any

import pytest

from offload.core.retries import Cause
from offload.dispatch import dispatching
from offload.fleet.snapshots import snapshot
from offload.models import Queue
from offload.tracking import claiming, finishing
from offload.tracking.binding.bindings import bind
from tests.integration.tracking.binding.excluded import exclude
from tests.integration.world import (
    HERE,
    LANE,
    THERE,
    bound,
    join,
    key_of,
    lose,
    place,
    running,
    states,
    waiting,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join(concurrency=2)


def test_suspects_of_a_crash_are_bound_one_at_a_time() -> None:
    crashed = [running(), running()]
    for run in crashed:
        lose(run.id, 1, cause=Cause.CRASHED, error="signal 11")
    assert bind(place(), [LANE], limit=9) == []

    (first,) = bind(place(), [LANE], limit=9, suspect=True)

    assert first.id == crashed[0].id
    assert bind(place(), [LANE], limit=9, suspect=True) == []
    join(THERE)
    assert [one.id for one in bind(place(THERE), [LANE], limit=9, suspect=True)] == [crashed[1].id]


def test_the_next_suspect_follows_once_the_one_before_ended() -> None:
    for run in [running(), running()]:
        lose(run.id, 1, cause=Cause.CRASHED, error="signal 11")
    (first,) = bind(place(), [LANE], limit=9, suspect=True)
    key = key_of(first)
    claiming.claim(key)
    assert dispatching.refill(HERE) == 0

    finishing.succeed(key, None, aftermath=False)

    assert dispatching.refill(HERE) == 1


UNBINDABLE = {
    "its queue is suspended": {"suspended": True},
    "its queue is full": {"max_parallel": 1},
    "it was refused here": {},
}


@pytest.mark.parametrize("facts", UNBINDABLE.values(), ids=UNBINDABLE)
def test_a_suspect_that_cannot_be_bound_keeps_no_other_back(facts: dict[str, Any]) -> None:
    blocked, free = running(queue="aaa"), running()
    for run in (blocked, free):
        lose(run.id, 1, cause=Cause.CRASHED, error="signal 11")
    if facts:
        join(THERE)
        bound(name=THERE, queue="aaa")
        Queue.objects.create(name="aaa", topics=["a/**"], **facts)
    else:
        exclude(blocked.id, place().incarnation, seconds=60)
    snapshot(fresh=True)

    assert dispatching.refill(HERE) == 1
    assert states([blocked.id, free.id]) == ["PENDING", "QUEUED"]


def test_a_suspect_is_not_kept_back_by_a_backlog_that_fills_the_window() -> None:
    run = running()
    lose(run.id, 1, cause=Cause.CRASHED, error="signal 11")
    waiting(20)

    dispatching.refill(HERE)

    assert run.row.state == "QUEUED"
