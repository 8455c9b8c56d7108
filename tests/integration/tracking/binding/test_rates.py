"""Queues with a rate: tokens that are taken in the transaction that binds."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from time import monotonic

import pytest
from django.db.models import F
from django.utils.timezone import localtime

from offload.core.retries import Cause
from offload.dispatch import dispatching
from offload.fleet.snapshots import now, snapshot
from offload.models import Queue, RateBucket
from offload.queues import policies
from offload.reading.waiting.explain import explain_job
from offload.tracking import requeue, selectors
from offload.tracking.binding.queue_limits import bind_limited
from tests.databases import on_postgresql
from tests.integration.beside import together
from tests.integration.tracking.binding.narrow import LANE, bind_keyed, bind_one, end, keyed, narrow
from tests.integration.world import HERE, THERE, join, place, row, statements, waiting


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE, concurrency=500)
    join(THERE, concurrency=500)


def _pass(seconds: float) -> None:
    """Let the buckets be so many seconds older."""
    RateBucket.objects.update(at=F("at") - timedelta(seconds=seconds))


def test_a_full_bucket_lets_the_burst_begin_and_then_one_after_the_other() -> None:
    narrow(rate="2/h", burst=3)
    ids = waiting(9, queue="narrow")

    assert bind_one() == ids[:3]
    assert bind_one() == []
    _pass(1_800)
    assert bind_one(THERE) == ids[3:4]
    # However long nothing is asked for, no more than the burst is kept.
    _pass(86_400)
    assert bind_one() == ids[4:7]
    assert dispatching.sweep() == 0


def test_a_rate_and_keys_hold_together_and_a_token_goes_to_the_next_key() -> None:
    narrow(rate="2/h", burst=3, max_per_key=1)
    acme, other, last = keyed("acme", 4), keyed("other", 2), keyed("last", 1)

    assert sorted(bind_keyed()) == sorted([acme[0], other[0], last[0]])
    for job_id in (acme[0], last[0]):
        end(job_id)
    assert bind_keyed(THERE) == []
    _pass(3_600)
    assert bind_keyed(THERE) == acme[1:2]
    assert bind_keyed() == []


def test_a_job_that_is_taken_back_keeps_its_token() -> None:
    narrow(rate="1/h")
    ids = waiting(queue="narrow")
    assert bind_one() == ids

    requeue.recall(selectors.these(ids), cause=Cause.REFUSED)

    assert bind_one() == []
    _pass(3_600)
    assert bind_one() == ids


def test_a_lowered_rate_acts_at_once_and_a_raised_one_too() -> None:
    narrow(rate="3600/h", burst=100)
    waiting(200, queue="narrow")
    assert len(bind_one()) == 100
    queue = Queue.objects.get()

    assert policies.change(queue, rate="2/h", burst=1) == 0
    _pass(600)
    assert bind_one() == []
    policies.change(queue, rate="3600/h", burst=50)
    assert len(bind_one()) >= 50


def test_a_limit_and_a_rate_hold_together_and_each_says_how_much_is_used() -> None:
    narrow(rate="120/m", max_parallel=1)
    ids = waiting(3, queue="narrow")
    assert bind_one() == ids[:1]

    found = explain_job(row(ids[1]))

    assert [(one.gate, one.is_open) for one in found.gates] == [("limit", False), ("rate", True)]
    assert "1 of 1 at once" in found.gates[0].fact
    assert "120/m, at most 2 at once" in found.gates[1].fact


def test_a_job_that_waits_for_a_token_says_when_it_begins() -> None:
    narrow(rate="1/h")
    ids = waiting(2, queue="narrow")
    bind_one()

    found = explain_job(row(ids[1]))

    assert found.sentence.startswith("Its queue has begun as many jobs as it may for the moment: ")
    again = found.gates[0].again_at
    assert again is not None
    assert timedelta(minutes=59) < again - now() <= timedelta(hours=1)
    assert f"It may begin at {localtime(again):%Y-%m-%d %H:%M}" in found.sentence


def test_what_was_removed_and_made_anew_begins_with_a_full_bucket() -> None:
    narrow(rate="1/h")
    ids = waiting(2, queue="narrow")
    assert bind_one() == ids[:1]

    policies.remove([Queue.objects.get()])
    assert not RateBucket.objects.exists()
    narrow(rate="1/h")

    assert bind_one() == ids[1:]


@on_postgresql
def test_many_that_bind_at_once_never_exceed_the_rate_and_reach_it() -> None:
    narrow(rate="600/m")
    waiting(900, queue="narrow")
    policy, places = snapshot(fresh=True).policy("narrow"), [place(HERE), place(THERE)]
    began, total, passed = monotonic(), 0, 0.0

    for _ in range(40):
        acts = [partial(bind_limited, at, LANE, policy, now(), suspect=False) for at in places * 2]
        total += sum(map(len, together(acts)))
        _pass(0.5)
        passed += 0.5
        # The burst, one second's worth beside it, and 10 per second.
        assert total <= 20 + 10 * (passed + monotonic() - began)

    assert total >= 10 * passed


def test_a_queue_without_a_rate_has_no_bucket() -> None:
    narrow(max_parallel=500)
    waiting(2, queue="narrow")

    with statements() as found:
        assert len(bind_one()) == 2

    assert not [sql for sql in found if RateBucket._meta.db_table in sql]
