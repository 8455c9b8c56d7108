"""Names that users give to what is theirs meet none of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.models import Attempt
from offload.operations.handles import JobHandle
from offload.testing import run_jobs
from offload.worker.tasks.task import ConsumerTask
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery


def echo(**given: Any) -> dict[str, Any]:
    """Return what was given."""
    return given


NAMES = ("self", "args", "kwargs", "task", "attempt", "request", "fun", "cls", "name")


@pytest.mark.parametrize("name", NAMES)
def test_no_name_that_users_give_meets_one_of_ours(
    app: Celery, hooked: Any, calls: list[Any], name: str
) -> None:
    task = hooked(function=echo)
    given = {name: 1}

    first, second = JobHandle(task.delay(**given).id), JobHandle(task.s(**given).apply_async().id)
    run_jobs()

    assert first.result(0) == second.result(0) == given
    assert task.apply(kwargs=given).get() == given
    assert task(**given) == given
    assert task.si(**given).kwargs == given
    assert not Attempt.objects.exists()


def consume(job: Any, **given: Any) -> dict[str, Any]:
    """Return what was given besides the job."""
    return given


@pytest.fixture
def _consumer(app: Celery) -> Iterator[None]:
    """Give the app a consumer that takes any name."""
    define(app, consume, name="any", base=ConsumerTask, pattern="any/*", topic="")
    yield
    app.tasks.pop("any")


@pytest.mark.usefixtures("_consumer")
def test_no_name_of_a_property_meets_one_of_ours() -> None:
    jobs = {name: offload.submit("any/thing", {name: 1}) for name in NAMES}

    run_jobs()

    assert {name: job.result(0) for name, job in jobs.items()} == {
        name: {name: 1} for name in NAMES
    }
    assert not Attempt.objects.exists()
