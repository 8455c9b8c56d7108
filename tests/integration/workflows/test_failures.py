"""Failures of steps, events, versions, and what starts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group
from django.utils.module_loading import autodiscover_modules

from offload.core.exceptions import ConfigurationError, UnfitParameters
from offload.jobs.retrying import retry_one
from offload.models import Run
from offload.workflows import (
    RunHandle,
    RunState,
    definitions,
    start,
    step,
    workflow,
)
from tests.integration.workflows import leading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, app: Celery) -> Iterator[None]:
    """Let every test define what it likes, with jobs that make files."""
    autodiscover_modules(*definitions.WORKFLOW_MODULES)
    monkeypatch.setattr(definitions, "defined", dict(definitions.defined))
    leading.register(app)
    yield
    leading.BROKEN.clear()


def ended(made: Any, driver: Driver, **how: Any) -> RunHandle:
    """Return a run of what a function makes, once nothing is left of it to do."""
    workflow("made")(made)
    run = start("made", **how)
    driver.run_all()
    return run


def states(run: RunHandle) -> dict[str, str]:
    """Return the state of each step."""
    return {name: str(entry.state) for name, entry in run.plan.items()}


def test_a_failure_cuts_off_what_waits_for_it_and_nothing_else(driver: Driver) -> None:
    run = ended(
        lambda: chord(
            [step("jobs/fail"), chain(step("jobs/add", x=1), step("jobs/add", y=1))],
            step("jobs/total"),
        ),
        driver,
    )

    assert states(run) == {
        "jobs/fail": "FAILED", "jobs/add": "SUCCEEDED", "jobs/add#2": "SUCCEEDED",
        "jobs/total": "UNREACHED",
    }  # fmt: skip
    assert run.plan["jobs/fail"].note == "ValueError: wrong"
    assert run.plan["jobs/total"].note == "jobs/fail is FAILED"
    assert run.state is RunState.FAILED


def test_a_run_goes_on_after_a_failure_that_is_forgiven(driver: Driver) -> None:
    run = ended(
        lambda: chord(
            [step("jobs/fail", on_error="go_on"), step("jobs/add", x=1)], step("jobs/same")
        ),
        driver,
    )

    assert run.state is RunState.SUCCEEDED
    assert states(run)["jobs/fail"] == "FAILED"
    assert run.result(5) == [None, 1]


def test_every_step_and_run_ends_by_one_event_with_the_data_of_its_user(driver: Driver) -> None:
    with leading.noted() as events:
        ended(
            lambda: chain(
                group(step("jobs/fail"), step("jobs/add", x=1)),
                step("jobs/total"),
                step("jobs/same"),
            ),
            driver,
            user_data={"asset": 7},
        )

    mine = {"asset": 7}
    assert sorted(events[1:-1]) == [
        ("jobs/add", "SUCCEEDED", mine), ("jobs/fail", "FAILED", mine),
        ("jobs/same", "UNREACHED", mine), ("jobs/total", "UNREACHED", mine),
    ]  # fmt: skip
    assert events[0] == ("made", "", "RUNNING", mine)
    assert events[-1] == ("made", "RUNNING", "FAILED", mine)


def test_a_step_that_replaces_itself_ends_with_its_replacement(app: Celery, driver: Driver) -> None:
    canvas = dict(chain(step("jobs/add", x=1), step("jobs/add", y=4)))
    run = ended(lambda: chain(step("jobs/swap", canvas=canvas), step("jobs/same")), driver)

    assert run.result(5) == 5
    assert states(run) == {"jobs/swap": "SUCCEEDED", "jobs/same": "SUCCEEDED"}


def test_a_run_keeps_who_started_it_why_and_which_version(driver: Driver) -> None:
    workflow("versioned", version="7")(lambda: step("jobs/add", x=1))
    workflow("digest")(lambda *, x=1: step("jobs/add", x=x))

    row = start("versioned", reason="it is new", by="ada").row
    first, second = (start("digest", {"x": x}).row for x in (1, 2))
    workflow("other")(lambda: step("jobs/same", value=1))
    other = start("other").row

    assert (row.version, row.reason, row.actor) == ("7", "it is new", "ada")
    assert first.version == second.version != other.version
    assert first.properties == {"x": 1}


def test_parameters_that_the_function_does_not_take_start_nothing(driver: Driver) -> None:
    workflow("wide")(lambda *, width=5: step("jobs/add", x=width))

    with pytest.raises(UnfitParameters, match="did you mean 'width'"):
        start("wide", {"widht": 3})
    workflow("filed", inputs=["original"])(lambda: step("jobs/add", x=1))
    with pytest.raises(UnfitParameters, match="needs the file 'original'"):
        start("filed")

    assert not Run.objects.exists()


def test_a_graph_that_cannot_run_starts_nothing(driver: Driver) -> None:
    workflow("torn")(lambda: step("jobs/add", x=1, inputs=["a.txt"]))

    with pytest.raises(ConfigurationError, match=r"needs 'a\.txt', which nobody makes"):
        start("torn")

    assert not Run.objects.exists()


def test_what_only_a_graph_knows_is_refused_in_a_canvas_that_celery_leads(
    plain: Named, driver: Driver
) -> None:
    pairs = plain.add.starmap([(1, 2)])
    workflow("mixed")(lambda: step("jobs/add", x=1, called="first") | pairs)

    with pytest.raises(ConfigurationError, match="Write a step for each task"):
        start("mixed")

    assert not Run.objects.exists()


def test_a_job_of_a_run_that_is_retried_alone_does_not_change_it(driver: Driver) -> None:
    run = ended(lambda: chain(step("jobs/fail"), step("jobs/same")), driver)
    before = run.plan

    retry_one(before["jobs/fail"].job)
    driver.run_all()

    assert run.plan == before
