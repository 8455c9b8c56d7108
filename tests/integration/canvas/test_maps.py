from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import chord
from celery.canvas import xmap

from offload.core.envelopes import MAP_TASK
from offload.models import Job
from offload.workflows import step

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


def test_a_map_of_a_job_is_one_job_of_its_topic(app: Celery, job: Named, driver: Driver) -> None:
    result = job.same.map([1, 2, 3]).apply_async()

    row = Job.objects.get()
    assert (row.topic, row.task) == ("jobs/same", MAP_TASK)
    driver.run_all()
    assert app.AsyncResult(result.id).get(timeout=1) == [1, 2, 3]


def test_a_starmap_of_a_job_unpacks_its_items(app: Celery, job: Named, driver: Driver) -> None:
    result = job.add.starmap([(1, 2), (3, 4)]).apply_async()

    driver.run_all()

    assert app.AsyncResult(result.id).get(timeout=1) == [3, 7]


def test_chunks_of_a_job_are_a_job_each(app: Celery, job: Named, driver: Driver) -> None:
    result = job.add.chunks(((number, 1) for number in range(4)), 2).apply_async()

    driver.run_all()

    assert result.get(timeout=1) == [[1, 2], [3, 4]]
    assert Job.objects.count() == 2


def test_a_map_of_a_job_may_be_a_member(app: Celery, job: Named, driver: Driver) -> None:
    result = chord([job.same.map([1, 2]), job.same.s([3])], job.same.s()).apply_async()

    driver.run_all()

    assert result.get(timeout=1) == [[1, 2], [3]]


def test_a_map_of_a_step_runs_the_consumer_of_its_topic(app: Celery, driver: Driver) -> None:
    inner: Any = step("jobs/same")
    result = xmap(inner, [1, 2], app=app).apply_async()

    driver.run_all()

    assert app.AsyncResult(result.id).get(timeout=1) == [1, 2]


def test_a_map_of_a_plain_task_is_left_to_celery(app: Celery, plain: Named, driver: Driver) -> None:
    result = plain.same.map([1, 2]).apply_async()

    driver.run_all()

    assert app.AsyncResult(result.id).get(timeout=1) == [1, 2]
    assert not Job.objects.exists()
