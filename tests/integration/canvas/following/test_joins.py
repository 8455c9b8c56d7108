"""A body waits for the last member of its chord, and fails with one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import chain, chord

from offload.core.states import JobState
from offload.models import Job
from offload.tracking import terminations

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


def test_the_body_waits_for_the_last_member(job: Named, driver: Driver) -> None:
    result = chord([job.add.s(1), job.add.s(2)], job.total.s()).apply_async()

    driver.run_next()
    assert not Job.objects.filter(pk=result.id).exists()
    last = driver.run_next()

    body = Job.objects.get(pk=result.id)
    assert last is not None
    assert (body.parent_id, body.args) == (last.pk, [[1, 2]])


def test_members_do_not_carry_the_body(job: Named, driver: Driver) -> None:
    body = job.total.s().set(shadow="x" * 1000)
    members = [chain(job.add.s(1), job.add.s(1)) for _ in range(3)]
    chord(members, body).apply_async()

    for row in Job.objects.all():
        assert len(str(row.options) + str(row.tail)) < 1000


def test_a_member_of_a_stopped_canvas_fails_the_body(
    app: Celery, job: Named, driver: Driver
) -> None:
    result = chord([job.add.s(1), job.add.s(2)], job.total.s()).apply_async()
    first, _ = driver.waiting()
    terminations.stop([first.pk])

    driver.run_all()

    body = Job.objects.get(pk=result.id)
    assert (body.state, body.error_type) == (JobState.ERROR, "celery.exceptions.ChordError")
    assert first.pk in body.error
    assert str(app.AsyncResult(first.pk).state) == "REVOKED"
    assert app.AsyncResult(result.id).state == "FAILURE"
