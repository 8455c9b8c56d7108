"""Arguments and ids of a call: refused in the caller where no row can hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from celery import chain

from offload.core.exceptions import InvalidId, InvalidProperties
from offload.models import Job

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


def test_arguments_that_are_no_json_are_refused(job: Named) -> None:
    with pytest.raises(InvalidProperties, match="cannot be JSON"):
        job.add.delay(object())

    assert not Job.objects.exists()


def test_arguments_that_are_too_large_are_refused(job: Named) -> None:
    with pytest.raises(InvalidProperties, match="are allowed"):
        job.add.delay("x" * 300_000)

    assert not Job.objects.exists()


def deep(levels: int) -> list[Any]:
    """Return a list in a list in a list."""
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("call", "levels"),
    [
        *((call, levels) for call in ("delay", "signature") for levels in (65, 900, 100_000)),
        *((call, levels) for call in ("chain", "link") for levels in (300, 900, 100_000)),
    ],
)
def test_arguments_nested_too_deeply_are_refused_in_a_short_sentence(
    job: Named, call: str, levels: int
) -> None:
    value = deep(levels)
    calls: dict[str, Any] = {
        "delay": lambda: job.add.delay(value),
        "signature": lambda: job.add.s(value).apply_async(),
        "chain": lambda: chain(job.add.s(1), job.add.s(value)).apply_async(),
        "link": lambda: job.add.apply_async((1,), link=job.note.s(value)),
    }

    with pytest.raises(InvalidProperties, match="nested") as told:
        calls[call]()

    assert len(str(told.value)) < 200
    assert not Job.objects.exists()


def test_ids_may_be_uuids(app: Celery, job: Named, driver: Driver) -> None:
    ids = [uuid4() for _ in range(3)]

    chain(job.add.s(1).set(task_id=ids[0]), job.add.s(2).set(task_id=ids[1])).apply_async()
    result = job.add.apply_async((1,), task_id=ids[2], parent_id=ids[0], root_id=ids[0])
    driver.run_all()

    assert result.id == str(ids[2])
    assert set(Job.objects.values_list("pk", flat=True)) == {str(one) for one in ids}
    child = Job.objects.get(pk=result.id)
    assert (child.parent_id, child.root_id) == (str(ids[0]), str(ids[0]))


@pytest.mark.parametrize("bad", ["x" * 300, "a\0b", 7])
def test_an_id_that_no_row_can_have_is_refused(job: Named, bad: Any) -> None:
    for call in (
        lambda: job.add.apply_async((1,), task_id=bad),
        lambda: job.add.apply_async((1,), root_id=bad),
        lambda: chain(job.add.s(1), job.add.s(2).set(task_id=bad)).apply_async(),
        lambda: job.add.apply_async((1,), link=job.note.s().set(task_id=bad)),
    ):
        with pytest.raises(InvalidId):
            call()

    assert not Job.objects.exists()
