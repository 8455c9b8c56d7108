"""Headers that are generators: read once, by who counts their members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chord, group

from offload.canvas.chords import holds_job
from offload.db import database
from offload.models import Job, Join
from tests.integration.driving.fixtures import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

both = pytest.mark.parametrize("app", BACKENDS, indirect=True)


def test_a_generator_is_not_read_to_learn_whether_it_holds_jobs(
    app: Celery, job: Named, plain: Named
) -> None:
    numbers = iter(range(9))

    assert not holds_job(app, group(plain.add.s(number) for number in numbers))
    # Celery's own lists of generators look one ahead.
    assert next(numbers) == 2
    assert holds_job(app, group(job.add.s(number) for number in numbers))
    assert next(numbers) == 5
    assert not holds_job(app, group(job.add.s(number) for number in range(0)))


def test_jobs_of_a_generator_are_stored_whole_or_not_at_all(job: Named) -> None:
    def header() -> Iterator[Any]:
        for number in range(3):
            assert not database.in_transaction()
            yield job.add.s(number)
        raise LookupError

    with pytest.raises(LookupError):
        chord(header(), job.total.s()).apply_async()

    assert not Job.objects.exists()


@both
def test_a_generator_that_begins_with_a_plain_task_is_counted_by_celery(
    app: Celery, job: Named, plain: Named, driver: Driver
) -> None:
    named = (plain, job, plain)
    result = chord((one.add.s(1) for one in named), job.total.s()).apply_async()

    driver.run_all()

    assert app.AsyncResult(result.id).get(timeout=1) == 3
    assert not Join.objects.exists()
