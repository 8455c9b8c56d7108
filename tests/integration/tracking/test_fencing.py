"""The fencing number that a job shows to systems outside the database."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections

from offload.core.exceptions import StaleAttempt
from offload.core.retries import Cause
from offload.db import database
from offload.fleet.snapshots import snapshot
from offload.models import Job, Queue, Version
from offload.models.versions import current_version
from offload.signals import stale_attempt
from offload.tracking import claiming, fencing
from offload.tracking.binding.bindings import bind
from offload.worker.tasks.current_job import CurrentJob
from tests.arranging import arrange
from tests.databases import on_postgresql
from tests.integration.beside import together
from tests.integration.world import (
    HERE,
    LANE,
    TOPIC,
    Running,
    join,
    key_of,
    lose,
    place,
    running,
    statements,
)
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = "q" * 100


@pytest.fixture(autouse=True)
def _instance(app: object) -> None:
    join()


def current(run: Running) -> CurrentJob:
    """Return the running job as its consumer gets it."""
    return CurrentJob(
        id=run.id,
        topic=TOPIC,
        epoch=run.key.epoch,
        attempt=1,
        attempt_key=run.key,
        instance=HERE,
        claimed=run.claimed,
    )


def overtaken(run: Running) -> Running:
    """Take a job from its attempt, and return the next attempt."""
    lose(run.id, run.key.epoch, cause=Cause.CRASHED, error="signal 9")
    (again,) = bind(place(), [LANE], limit=1, suspect=True)
    key = key_of(again)
    claimed = claiming.claim(key)
    assert claimed is not None
    return Running(key=key, claimed=claimed)


def test_the_next_attempt_has_the_higher_number() -> None:
    run = running()
    first = current(run).fence

    assert current(overtaken(run)).fence > first


@pytest.mark.parametrize("queue", ["default", LONG], ids=["short", "long"])
def test_it_rises_from_job_to_job_of_a_queue(queue: str) -> None:
    jobs = [current(running(queue=queue)) for _ in range(3)]

    numbers = [job.fence for job in jobs]

    assert numbers == [1, 2, 3]


def test_each_queue_has_its_own_numbers() -> None:
    names = ["default", LONG, LONG[:-1], LONG[:-1] + "r"]

    assert [current(running(queue=name)).fence for name in names] == [1] * 4


def test_it_stays_the_same_for_the_attempt_and_is_asked_for_once() -> None:
    job = current(running())
    first = job.fence

    with statements() as asked:
        assert job.fence == first
    assert asked == []


def test_who_does_not_ask_takes_no_number() -> None:
    current(running()).progress(1)

    assert not Version.objects.filter(name=fencing.counter("default")).exists()


def test_an_overtaken_attempt_gets_none_and_is_told(told: list[Any]) -> None:
    run = running()
    job = current(run)
    later = current(overtaken(run)).fence

    with pytest.raises(StaleAttempt, match=run.id):
        _ = job.fence

    assert told == [run.id]
    assert Version.objects.get(pk=fencing.counter("default")).number == later


@pytest.mark.parametrize(
    "other", [{"epoch": 9}, {"token": "another"}, {"job_id": "another"}], ids=str
)
def test_an_attempt_that_does_not_match_gets_none(other: Any) -> None:
    assert fencing.take(replace(running().key, **other), "default") is None


def test_of_many_that_ask_at_once_no_two_get_the_same() -> None:
    jobs = [current(running()) for _ in range(4)]

    numbers = together([partial(fencing.take, job.attempt_key, "default") for job in jobs])

    assert sorted(numbers) == [1, 2, 3, 4]


@on_postgresql
def test_who_is_being_overtaken_waits_and_gets_none() -> None:
    run = running()
    found: list[int | None] = []

    def ask() -> None:
        found.append(fencing.take(run.key, "default"))
        connections.close_all()

    thread = Thread(target=ask)
    with database.atomic():
        arrange(Job.objects.filter(pk=run.id), state="PENDING")
        thread.start()
        eventually(_is_waited_for, what="the number is waited for")
    thread.join()

    assert found == [None]


def _is_waited_for() -> bool:
    """Return whether somebody waits for the transaction that asks."""
    return bool(
        database.rows(
            "SELECT 1 FROM pg_locks "
            "WHERE NOT granted AND transactionid = CAST(pg_current_xact_id() AS xid)"
        )
    )


def test_it_cannot_be_asked_for_where_a_rollback_would_give_it_out_again() -> None:
    job = current(running())

    with database.atomic(), pytest.raises(RuntimeError, match="durable"):
        _ = job.fence

    assert job.fence == 1


def test_the_topology_does_not_move_with_it() -> None:
    Queue.objects.create(name="slow", topics=["a/b"])
    before = current_version()

    _ = current(running()).fence

    assert current_version() == before
    assert snapshot(fresh=True).version == before


@pytest.fixture
def told() -> Iterator[list[Any]]:
    """Return the jobs whose overtaken attempts were told of."""
    found: list[Any] = []

    def note(*, job_id: str, **_: object) -> None:
        found.append(job_id)

    stale_attempt.connect(note, dispatch_uid="tests")
    yield found
    stale_attempt.disconnect(dispatch_uid="tests")
