from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group

from offload.canvas import batches
from offload.core.states import Hold, JobState
from offload.jobs import aftermath, endings
from offload.models import Job
from offload.tracking import terminations
from offload.tracking.drafts import Draft
from tests.integration.driving.fixtures import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

both = pytest.mark.parametrize("app", BACKENDS, indirect=True)

#: Replacements of a job, and their results.
CANVASES: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "a job": (lambda j, p: j.add.s(1, 2), 3),
    "a plain task": (lambda j, p: p.add.s(1, 2), 3),
    "a chain": (lambda j, p: chain(j.add.s(1, 2), j.add.s(3)), 6),
    "a chain that ends plain": (lambda j, p: chain(j.add.s(1, 2), p.add.s(3)), 6),
    "a chord": (lambda j, p: chord([j.add.s(1), j.add.s(2)], j.total.s()), 3),
    "a chord with a chain behind": (
        lambda j, p: chord([j.add.s(1), p.add.s(2)], chain(j.total.s(), j.add.s(1))),
        4,
    ),
    "a group": (lambda j, p: group(j.add.s(1), j.add.s(2)), [1, 2]),
    "a chain that ends in a group": (
        lambda j, p: chain(j.add.s(1), group(j.add.s(1), p.add.s(2))),
        [2, 3],
    ),
    "another replacement": (lambda j, p: j.swap.s(dict(j.add.s(1, 2))), 3),
}


@pytest.mark.parametrize("canvas", CANVASES)
def test_a_canvas_fills_the_row_of_the_job_it_replaces(
    app: Celery, job: Named, plain: Named, driver: Driver, canvas: str
) -> None:
    make, expected = CANVASES[canvas]
    result = job.swap.delay(make(job, plain))

    driver.run_all()

    row = Job.objects.get(pk=result.id)
    assert row.state == JobState.SUCCEEDED
    assert result.get(timeout=1) == expected
    assert not Job.objects.unfinished().exists()


@both
@pytest.mark.parametrize("canvas", CANVASES)
def test_what_hung_on_the_job_hangs_on_its_replacement(
    app: Celery, job: Named, plain: Named, driver: Driver, calls: list[Any], canvas: str
) -> None:
    make, expected = CANVASES[canvas]
    swap = job.swap.s(make(job, plain)).set(link=job.note.s("link"))
    result = chord([chain(swap, job.same.s()), job.add.s(1)], job.same.s()).apply_async()

    driver.run_all()

    assert result.get(timeout=1) == [expected, 1]
    assert calls == [[expected, "link"]]


def test_a_replaced_job_waits_and_is_not_bound(job: Named, driver: Driver) -> None:
    result = job.swap.delay(chain(job.add.s(1), job.add.s(2)))

    assert driver.run(result.id) == JobState.PENDING

    row = Job.objects.get(pk=result.id)
    assert (row.state, row.hold, row.epoch) == (JobState.PENDING, Hold.REPLACED, 1)
    assert [one.task for one in driver.waiting()] == ["jobs.add"]


def test_a_stopped_job_is_not_filled(app: Celery, job: Named, driver: Driver) -> None:
    result = job.swap.delay(chain(job.add.s(1), job.add.s(2)))
    driver.run(result.id)
    terminations.stop([result.id])

    driver.run_all()

    assert Job.objects.get(pk=result.id).state == JobState.STOPPED
    assert str(app.AsyncResult(result.id).state) == "REVOKED"


def test_a_canvas_that_fails_ends_the_job_it_replaced(
    app: Celery, job: Named, driver: Driver
) -> None:
    canvas = chord([job.fail.s(), job.add.s(1)], job.total.s())
    result = chain(job.swap.s(canvas), job.add.s(1)).apply_async()

    driver.run_all()

    assert Job.objects.get(task="jobs.swap").state == JobState.ERROR
    assert Job.objects.get(pk=result.id).state == JobState.ERROR
    assert app.AsyncResult(result.id).state == "FAILURE"


def test_a_job_whose_stop_was_requested_is_not_replaced(job: Named, driver: Driver) -> None:
    result = job.swap.delay(job.add.s(1))
    ending = driver.claim(result.id)
    terminations.stop([result.id])

    endings.replace(ending, dict(job.add.s(1)))
    aftermath.sweep()

    assert Job.objects.get().state == JobState.STOPPED


@pytest.mark.parametrize("canvas", CANVASES)
def test_a_canvas_of_jobs_replaces_a_plain_task(
    app: Celery, job: Named, plain: Named, driver: Driver, canvas: str
) -> None:
    make, expected = CANVASES[canvas]
    result = chain(plain.swap.s(make(job, plain)), job.same.s()).apply_async()

    driver.run_all()

    assert result.get(timeout=1) == expected


def test_a_job_that_replaces_a_member_counted_by_celery_is_counted_there(
    app: Celery, job: Named, plain: Named, driver: Driver
) -> None:
    members = [plain.swap.s(job.add.s(1, 1)), plain.add.s(1)]
    result = chord(members, plain.total.s()).apply_async()

    driver.run_all()

    assert result.get(timeout=1) == 3


def test_a_failed_job_that_replaces_a_member_counted_by_celery_fails_the_chord(
    app: Celery, job: Named, plain: Named, driver: Driver
) -> None:
    members = [plain.swap.s(job.fail.s()), plain.add.s(1)]
    result = chord(members, plain.total.s()).apply_async()

    driver.run_all()

    assert app.AsyncResult(result.id).state == "FAILURE"


@pytest.mark.parametrize("canvas", CANVASES)
def test_a_canvas_replaces_a_plain_step_that_has_a_row(
    job: Named, plain: Named, driver: Driver, calls: list[Any], canvas: str
) -> None:
    make, expected = CANVASES[canvas]
    swap = plain.swap.si(make(job, plain)).set(link=job.note.s("link"))
    result = chord(
        [chain(job.add.s(1), swap, job.same.s()), job.add.s(1)], job.same.s()
    ).apply_async((1,))

    driver.run_all()

    assert result.get(timeout=1) == [expected, 2]
    assert calls == [[expected, "link"]]
    assert not Job.objects.unfinished().exists()


def test_a_plain_task_that_was_submitted_twice_is_not_taken_for_its_replacement(
    job: Named, plain: Named, driver: Driver
) -> None:
    chord([plain.add.s(1, 1), job.add.s(1)], job.total.s()).apply_async()
    assert len(driver.sent()) == 1

    batches.store([relay_draft_of(Job.objects.get(kind="relay"))])

    assert driver.sent() == []


def test_a_plain_task_whose_stop_was_requested_is_not_replaced(
    job: Named, plain: Named, driver: Driver
) -> None:
    result = chain(job.add.s(1, 1), plain.swap.si(job.add.s(1, 1)), job.same.s()).apply_async()
    driver.run_next()
    terminations.stop([Job.objects.get(kind="relay").pk])

    driver.run_all()

    assert Job.objects.get(pk=result.id).state == JobState.STOPPED
    assert driver.waiting() == []


def relay_draft_of(row: Job) -> Draft:
    """Return the draft that a relay was made of."""
    return Draft(
        id=row.pk, kind=row.kind, topic=row.topic, task=row.task, args=row.args,
        options=row.options, hold=row.hold,
    )  # fmt: skip
