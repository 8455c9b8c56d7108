"""Sending a known id, or a frozen canvas, again: it runs again once the first has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from celery import chain, chord, group
from django.db import transaction

from offload.canvas.freezing import context
from offload.core.exceptions import JobUnfinished
from offload.core.states import JobState
from offload.db import database
from offload.models import Dependency, Job, Join
from offload.tracking import terminations
from tests.integration.driving.fixtures import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

both = pytest.mark.parametrize("app", BACKENDS, indirect=True)

FROZEN: dict[str, Callable[[Any, Any], Any]] = {
    "task": lambda j, p: j.note.si(1),
    "chain": lambda j, p: chain(j.note.si(1), j.note.si(2), j.note.si(3)),
    "chain with plain steps": lambda j, p: chain(j.note.si(1), p.note.si(2), j.note.si(3)),
    "group": lambda j, p: group(j.note.si(1), chain(j.note.si(2), j.note.si(3))),
    "chord": lambda j, p: chord([j.note.si(1), j.note.si(2)], j.note.si(3)),
    "chord with plain tasks": lambda j, p: chord(
        [p.note.si(1), chain(j.note.si(2), p.note.si(3))], chain(p.note.si(4), j.note.si(5))
    ),
    "chain of chords": lambda j, p: chain(
        j.note.si(1),
        chord([j.note.si(2), chord([j.note.si(3)], j.note.si(4))], j.note.si(5)),
        group(j.note.si(6), j.note.si(7)),
        j.note.si(8),
    ),
    "chord with a group as body": lambda j, p: chord([j.note.si(1)], group(j.note.si(2))),
}


@both
@pytest.mark.parametrize("shape", FROZEN)
def test_a_frozen_canvas_runs_again_once_it_is_over(
    app: Celery, job: Named, plain: Named, driver: Driver, calls: list[Any], shape: str
) -> None:
    canvas = FROZEN[shape](job, plain)
    canvas.freeze()
    canvas.apply_async()
    driver.run_all()
    once, ids = sorted(calls), set(Job.objects.values_list("pk", flat=True))
    epochs = dict(Job.objects.filter(epoch__gt=0).values_list("pk", "epoch"))

    canvas.apply_async()
    driver.run_all()

    assert sorted(calls) == sorted(once * 2)
    assert set(Job.objects.values_list("pk", flat=True)) == ids
    assert not Job.objects.exclude(state=JobState.SUCCEEDED)
    assert not Dependency.objects.filter(state="")
    assert not Join.objects.filter(fired=False)
    for row in Job.objects.filter(pk__in=epochs):
        assert row.epoch > epochs[row.pk]


@both
def test_the_new_result_takes_the_place_of_the_old(app: Celery, job: Named, driver: Driver) -> None:
    mine = str(uuid4())
    job.add.apply_async((1, 1), task_id=mine)
    driver.run_all()
    assert app.AsyncResult(mine).get(timeout=1) == 2

    again = job.add.apply_async((2, 2), task_id=mine)

    assert app.AsyncResult(mine).state == "PENDING"
    driver.run_all()
    assert again.get(timeout=1) == 4
    assert Job.objects.get(pk=mine).attempts == 1


def test_what_failed_or_was_stopped_runs_again_too(job: Named, driver: Driver) -> None:
    job.fail.apply_async(task_id="failed")
    driver.run_all()
    job.add.apply_async((1,), task_id="stopped", link=job.note.s())
    terminations.stop(["stopped"])
    driver.run_all()

    for name in ("failed", "stopped"):
        job.add.apply_async((1,), task_id=name)
    driver.run_all()

    assert not Job.objects.exclude(state=JobState.SUCCEEDED)


def test_while_it_is_not_over_a_second_send_is_refused(job: Named, driver: Driver) -> None:
    job.add.apply_async((1,), task_id="mine")

    with pytest.raises(JobUnfinished, match="Job mine is PENDING"):
        job.add.apply_async((2,), task_id="mine")

    ending = driver.claim("mine")
    with pytest.raises(JobUnfinished, match="Job mine is ACTIVE"):
        job.add.apply_async((2,), task_id="mine")
    assert Job.objects.get().args == [1]
    assert Job.objects.get().epoch == ending.key.epoch


def test_a_frozen_canvas_of_which_a_step_waits_is_refused_whole(
    job: Named, driver: Driver, calls: list[Any]
) -> None:
    steps = chain(job.note.si(1), job.note.si(2))
    steps.freeze()
    steps.apply_async()
    driver.run_next()

    with pytest.raises(JobUnfinished):
        steps.apply_async()

    driver.run_all()
    assert calls == [[1], [2]]


def test_a_chord_of_which_a_member_waits_is_refused_whole(
    job: Named, driver: Driver, calls: list[Any]
) -> None:
    canvas = chord([job.note.si(1), job.note.si(2)], job.note.si(3))
    canvas.freeze()
    canvas.apply_async()
    driver.run_next()

    with pytest.raises(JobUnfinished):
        canvas.apply_async()

    driver.run_all()
    assert sorted(calls) == [[1], [2], [3]]


def test_what_follows_an_end_is_done_before_the_id_is_free(
    app: Celery, job: Named, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offload.canvas.again.AFTERMATH_TIMEOUT_SECONDS", 0.05)
    chain(job.note.si(1).set(task_id="mine"), job.note.si(2)).apply_async()
    terminations.stop(["mine"])

    with pytest.raises(JobUnfinished, match="its successors are not stored yet"):
        job.note.apply_async((3,), task_id="mine")

    driver.run_all()
    assert Job.objects.count() == 2


def test_a_rollback_leaves_the_old_job(job: Named, driver: Driver) -> None:
    job.add.apply_async((1,), task_id="mine")
    driver.run_all()

    with database.atomic():
        job.add.apply_async((2,), task_id="mine")
        transaction.set_rollback(True, using=database.alias())

    assert (Job.objects.get().state, Job.objects.get().args) == (JobState.SUCCEEDED, [1])


def test_in_a_job_what_is_not_over_is_left_alone(
    job: Named, driver: Driver, caplog: pytest.LogCaptureFixture
) -> None:
    job.add.apply_async((1,), task_id="mine")
    token = context.running.set(context.Running(id="other", epoch=2))
    try:
        result = job.add.apply_async((2,), task_id="mine")
    finally:
        context.running.reset(token)

    assert result.id == "mine"
    assert Job.objects.get().args == [1]
    assert "job mine is PENDING: sending it again did nothing" in caplog.text
