"""Jobs that a step's own code submits: placed by themselves, or kept with the step's run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import offload
from offload.core.placement.lanes import Lane
from offload.models import Job
from offload.reading.waiting.explain import explain_job
from offload.worker.tasks.task import OffloadTask
from offload.workflows import start, step, workflow
from tests.integration.driving.tasks import define
from tests.integration.workflows.placement.placing import FLOW, goodbye, known, sweep
from tests.integration.world import THERE, join

__all__ = ["known"]

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver


@pytest.fixture(autouse=True)
def own(app: Celery, known: None) -> None:
    """Define a step that submits jobs of its own."""
    define(app, brood, name="flow.brood", base=OffloadTask, topic="flow/brood")
    workflow("broods")(lambda: step("flow/brood"))


def brood() -> None:
    """Submit jobs, with the run and by themselves."""
    offload.submit("flow/own", together=True)
    offload.submit_many("flow/own", [{}, {}], together=True)
    offload.submit("flow/free")


def affinities(topic: str) -> list[str]:
    """Return the affinities of the jobs of a topic."""
    lanes = Job.objects.filter(topic=topic).values_list("lane", flat=True)
    return [str(Lane.parse(one).affinity or "") for one in lanes]


def test_what_asks_for_it_is_kept_where_the_step_runs_and_nothing_else(driver: Driver) -> None:
    join("worker@here", consumers=FLOW)
    start("broods", placement="together")

    driver.run_next()

    assert affinities("flow/own") == ["only=worker@here"] * 3
    assert affinities("flow/free") == [""]


@pytest.mark.parametrize("placement", ["", "near", "spread"])
def test_a_run_that_does_not_stay_together_has_no_place_to_keep_to(
    driver: Driver, placement: str
) -> None:
    join("worker@here", consumers=FLOW)
    start("broods", placement=placement)

    driver.run_next()

    assert affinities("flow/own") == ["", "", ""]


def test_outside_of_a_step_a_job_is_placed_by_itself(app: Celery) -> None:
    offload.submit("flow/own", together=True)

    assert affinities("flow/own") == [""]


def test_any_instance_runs_it_once_its_own_is_gone_or_cannot(driver: Driver) -> None:
    here = join("worker@here", consumers=FLOW)
    start("broods", placement="together")
    driver.run_next()
    job = Job.objects.filter(topic="flow/own").earliest("created_at")
    join(THERE, consumers=FLOW)
    why = {one.instance: str(one.reason) for one in explain_job(job).verdicts}
    assert "worker@here" in why[THERE]

    goodbye("worker@here", here)
    sweep()

    assert affinities("flow/own") == ["", "", ""]
