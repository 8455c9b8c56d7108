"""Limits by key hold whoever binds at the same time."""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial
from typing import Any

import pytest

from offload.db import database
from offload.dispatch.lane_binding import limits
from offload.fleet.snapshots import now, snapshot
from offload.models import Job
from offload.tracking.binding import chosen
from offload.tracking.queries import waiting_lanes
from tests.databases import on_postgresql
from tests.integration.beside import Beside, together
from tests.integration.tracking.binding.narrow import bind_keyed, end, keyed, narrow
from tests.integration.world import HERE, THERE, join, place
from tests.polling import eventually

KEYS = ["a", "b", "c", "d"]


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE, concurrency=16, facts={"host": "box"})
    join(THERE, concurrency=16, facts={"host": "box"})


@on_postgresql
@pytest.mark.parametrize(
    ("facts", "per_key", "total"),
    [
        ({"max_per_key": 2, "fair": True, "max_parallel": 7}, 2, 7),
        ({"max_per_key": 2}, 2, 8),
        ({"type": "ordered_per_key"}, 1, 4),
        ({"type": "ordered_per_key", "fair": True, "max_per_instance": 1}, 1, 2),
        ({"max_per_host": 3}, 3, 3),
    ],
)
def test_eight_that_bind_at_once_exceed_no_limit(
    facts: dict[str, Any], per_key: int, total: int
) -> None:
    narrow(**facts)
    for key in KEYS:
        keyed(key, 20)
    policy, lanes = snapshot(fresh=True).policy("narrow"), waiting_lanes()

    def here(name: str) -> list[chosen.LimitHere]:
        found = snapshot().topology.instance(name)
        assert found is not None
        return limits(policy, found, snapshot())

    bind = [
        partial(
            chosen.bind_chosen, place(name), lanes, policy, now(),
            here=here(name), suspect=False,
        )
        for name in [HERE, THERE] * 4
    ]  # fmt: skip
    seen = 0

    for _ in range(6):
        together(bind)
        bound = list(Job.objects.bound())
        counts = Counter(job.key for job in bound)
        assert len(bound) <= total
        assert max(counts.values(), default=0) <= per_key
        seen += len(bound)
        for job in bound:
            end(job.pk)

    assert seen > total
    bind_keyed(HERE), bind_keyed(THERE)
    assert Job.objects.bound().count() == total


@on_postgresql
@pytest.mark.parametrize("before", ["admit", "first_in_order", "_take"])
def test_who_stands_still_while_it_chooses_loses_the_lock(
    monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    narrow(max_per_key=1)
    ids = keyed("a")
    asleep, woken = threading.Event(), threading.Event()
    found: list[list[str]] = []
    act = getattr(chosen, before)

    def sleep(*args: object, **facts: object) -> object:
        asleep.set()
        woken.wait(30)
        return act(*args, **facts)

    with monkeypatch.context() as patch:
        patch.setattr(chosen, before, sleep)
        frozen = Beside(lambda: found.append(bind_keyed()))
        assert asleep.wait(30)
    eventually(_is_free, what="the lock again")
    bound = bind_keyed(THERE)
    woken.set()
    frozen.end()

    assert (bound, found) == (ids, [[]])


def _is_free() -> bool:
    return bool(database.rows("SELECT 1 FROM offload_queue FOR UPDATE SKIP LOCKED"))
