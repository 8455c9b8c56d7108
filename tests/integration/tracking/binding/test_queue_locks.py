"""The row of a queue is locked by who binds from it, and nobody waits long for it."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest
from django.db.models import F

from offload.core.attempt_key import AttemptKey
from offload.db import database
from offload.fleet.snapshots import now, snapshot
from offload.models import Job, Queue
from offload.tracking import claiming, finishing
from offload.tracking.binding import queue_limits
from offload.tracking.binding.queue_limits import bind_limited
from tests.databases import on_postgresql
from tests.integration.beside import Beside, together
from tests.integration.tracking.binding.narrow import LANE, bind_one, narrow
from tests.integration.world import HERE, THERE, join, place, waiting
from tests.polling import eventually


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE, concurrency=4)
    join(THERE, concurrency=4)


@on_postgresql
@pytest.mark.parametrize(("facts", "limit"), [({"max_parallel": 3}, 3), ({"type": "ordered"}, 1)])
def test_the_limit_holds_with_many_that_bind_at_once(facts: dict[str, Any], limit: int) -> None:
    narrow(**facts)
    ids = waiting(30, queue="narrow")
    policy = snapshot(fresh=True).policy("narrow")
    places = [place(HERE), place(THERE)]

    for _ in range(8):
        together(
            [partial(bind_limited, at, LANE, policy, now(), suspect=False) for at in places * 3]
        )
        bound = list(Job.objects.bound().order_by("created_at", "id"))
        assert [job.pk for job in bound] == ids[:limit]
        assert queue_limits.bound_in("narrow") == limit
        for job in bound:
            key = AttemptKey(job_id=job.pk, epoch=job.epoch, token=job.pk)
            claiming.claim(key)
            finishing.succeed(key, None, aftermath=False)
        ids = ids[limit:]


@on_postgresql
@pytest.mark.parametrize("before", ["bound_in", "not_excluded", "bind"])
def test_who_stands_still_with_the_lock_of_a_queue_loses_it(
    monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    """A process that is stopped, or cut off, holds its queue up no longer than a moment."""
    narrow(type="ordered")
    [job_id] = waiting(queue="narrow")
    asleep, woken = threading.Event(), threading.Event()
    found: list[list[str]] = []

    act = getattr(queue_limits, before)

    def sleep(*args: object, **facts: object) -> object:
        asleep.set()
        woken.wait(30)
        return act(*args, **facts)

    with monkeypatch.context() as patch:
        patch.setattr(queue_limits, before, sleep)
        frozen = Beside(lambda: found.append(bind_one()))
        assert asleep.wait(30)
    eventually(_is_free, what="the lock again")
    bound = bind_one(THERE)
    woken.set()
    frozen.end()

    assert (bound, found) == ([job_id], [[]])


def _is_free() -> bool:
    return bool(database.rows("SELECT 1 FROM offload_queue FOR UPDATE SKIP LOCKED"))


@on_postgresql
def test_who_finds_the_lock_of_a_queue_busy_leaves_the_work_to_its_holder() -> None:
    narrow(max_parallel=3)
    waiting(queue="narrow")
    policy, at = snapshot(fresh=True).policy("narrow"), place()

    with database.atomic():
        Queue.objects.filter(name="narrow").update(name=F("name"))
        assert together([lambda: bind_limited(at, LANE, policy, now(), suspect=False)]) == [[]]

    assert len(bind_one()) == 1
