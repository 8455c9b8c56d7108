"""Queues that run in windows of time only."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import offload
from offload.diagnostics import queues as doctor
from offload.dispatch import dispatching
from offload.fleet.snapshots import now, snapshot
from offload.models import Queue
from offload.queues import excess, policies
from offload.reading.waiting.explain import explain_job
from offload.tracking import claiming
from tests.integration.world import TOPIC, bound, join, key_of, row, states, waiting

if TYPE_CHECKING:
    from datetime import datetime


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def _around(moment: datetime, *, before: int, after: int) -> str:
    """Return a window around a moment, in minutes, by the clock of UTC."""
    start, end = moment - timedelta(minutes=before), moment + timedelta(minutes=after)
    return f"{start:%H:%M}-{end:%H:%M}"


def _opened() -> list[str]:
    return [_around(now(), before=60, after=60)]


def _closed() -> list[str]:
    return [_around(now(), before=120, after=-60)]


def _make(windows: list[str]) -> Queue:
    queue = Queue(name="nights", topics=["dam/**"], windows=windows, time_zone="UTC")
    policies.save(queue)
    return queue


def test_an_open_queue_costs_nothing_and_a_closed_one_binds_nothing() -> None:
    queue = _make(_opened())
    assert offload.submit(TOPIC).state == "QUEUED"

    policies.change(queue, windows=_closed())

    job = offload.submit(TOPIC)
    assert (job.state, dispatching.sweep()) == ("PENDING", 0)
    policies.change(queue, windows=[])
    assert dispatching.sweep() > 0


def test_when_a_window_closes_unstarted_jobs_are_taken_back_and_running_ones_finish(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue = _make(_opened())
    jobs = bound(3, queue="nights")
    assert claiming.claim(key_of(jobs[0]))
    assert policies.exceeded() == []

    monkeypatch.setattr(excess, "now", lambda: now() + timedelta(hours=2))
    assert policies.exceeded() == [queue.name]
    policies.enforce(queue.name)

    assert states([one.id for one in jobs]) == ["ACTIVE", "PENDING", "PENDING"]
    assert policies.exceeded() == [queue.name]


def test_a_job_that_waits_for_a_window_says_when_it_opens() -> None:
    _make(_closed())

    found = explain_job(row(waiting(queue="nights")[0]))

    assert found.waiting == "closed"
    assert found.sentence.startswith("Its queue does not run at this time: it runs ")
    assert "(UTC). It may begin at " in found.sentence
    assert "offload queues set nights --window" in found.next_step


def test_windows_that_cannot_be_read_keep_a_queue_closed_and_the_doctor_names_it() -> None:
    Queue.objects.create(name="nights", topics=["dam/**"], windows=["whenever"])
    snapshot(fresh=True)

    assert offload.submit(TOPIC).state == "PENDING"
    facts = [one.fact for one in doctor.examine()]
    assert "Queue nights never opens: its windows cannot be read." in facts
