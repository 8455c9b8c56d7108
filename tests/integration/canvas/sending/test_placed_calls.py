"""What single calls of Celery tasks require, prefer and take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, group

from offload import OffloadTask
from offload.core.exceptions import InvalidPlacement, InvalidRequirement
from offload.core.placement.lanes import Lane
from offload.models import Job
from tests.integration.canvas.sending.messages import only

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

GPU = {"requires": {"gpu": True}}
WISH = {"prefers": [({"labels": ["fast"]}, 2)], "slots": "all"}


def wide(number: int) -> int:
    """Do something that takes much room."""
    return number


def asked() -> list[tuple[dict[str, Any], list[Any], Any]]:
    """Return what each job asks for, in the order of submission."""
    lanes = [Lane.parse(one.lane) for one in Job.objects.order_by("created_at", "pk")]
    return [(one.requires.given, one.prefers.given, one.slots and one.slots.given) for one in lanes]


def test_a_call_asks_for_its_instance_and_the_option_goes_no_further(job: Named) -> None:
    job.add.apply_async((1,), offload={**GPU, **WISH})

    assert asked() == [({"gpu": True}, [[{"labels": ["fast"]}, 2]], "all")]
    assert "offload" not in str(only().options)


def test_each_step_of_a_canvas_asks_for_itself(driver: Driver, job: Named) -> None:
    first, second = job.add.s(1, 2).set(offload=GPU), job.add.s(3).set(offload=WISH)
    chain(first, second).apply_async()
    assert asked() == [({"gpu": True}, [], None)]

    driver.run_all()

    assert [one[1] for one in asked()] == [[], [[{"labels": ["fast"]}, 2]]]
    group(job.add.s(1, 1), job.add.s(2, 2).set(offload=GPU)).apply_async()
    assert [one[0] for one in asked()][2:] == [{}, {"gpu": True}]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"requires": {"ram_gb": {"=>": 1}}}, InvalidRequirement),
        ({"needs": {"gpu": True}}, InvalidPlacement),
        ("gpu", InvalidPlacement),
    ],
)
def test_what_cannot_be_asked_for_is_refused_and_nothing_is_stored(
    job: Named, given: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        job.add.apply_async((1,), offload=given)
    with pytest.raises(error):
        chain(job.add.s(1, 2), job.add.s(3).set(offload=given)).apply_async()

    assert not Job.objects.exists()


def test_a_task_may_take_several_places(app: Celery) -> None:
    facts: dict[str, Any] = {"slots": 2, "prefers": [({"gpu": True}, 5)]}
    make: Any = app.task(base=OffloadTask, topic="jobs/wide", name="jobs.wide", **facts)
    made = make(wide)
    try:
        made.delay(1)
    finally:
        del app.tasks["jobs.wide"]

    assert asked() == [({}, [], 2)]
    told = made.announcement()
    assert (told["slots"], told["prefers"]) == (2, [[{"gpu": True}, 5]])
