"""Handles of runs: how far a run is, what came of it, and its stop."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, group
from django.utils.module_loading import autodiscover_modules

from offload.core.exceptions import InvalidDelay, JobFailed, MissingResult, RunTimeout, UnknownRun
from offload.core.states import JobState
from offload.fleet.snapshots import now
from offload.models import Job
from offload.workflows import RunHandle, RunState, definitions, start, step, workflow
from tests.arranging import arrange
from tests.integration.workflows.sums import totals

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let every test define what it likes, beside what the installed apps define."""
    autodiscover_modules(*definitions.WORKFLOW_MODULES)
    found: dict[str, Any] = dict(definitions.defined)
    monkeypatch.setattr(definitions, "defined", found)
    return found


def test_the_handle_tells_how_far_the_run_is_and_what_it_made(app: Celery, driver: Driver) -> None:
    workflow("totals")(totals)
    run = start("totals")

    with pytest.raises(RunTimeout, match=r"after 0\.01 s: 3 of its steps"):
        run.wait(timedelta(seconds=0.01))
    with pytest.raises(InvalidDelay, match="'soon' is not a timeout"):
        run.wait("soon")  # type: ignore[arg-type]
    before = run.state
    driver.run_all()

    assert (before, run.wait(5)) == (RunState.RUNNING, RunState.SUCCEEDED)
    assert [job.topic for job in run.steps] == ["jobs/add", "jobs/add", "jobs/total"]
    assert list(run.outputs) == []
    assert RunHandle(run.id.replace("-", "").upper()).state is RunState.SUCCEEDED


@pytest.mark.usefixtures("app", "database_alias")
def test_a_run_that_is_not_there_is_said_to_be_none() -> None:
    for ask in (lambda: RunHandle("gone").state, lambda: RunHandle("gone").outputs):
        with pytest.raises(UnknownRun, match="'gone'"):
            ask()


@pytest.mark.parametrize(
    ("made", "result"),
    [
        (lambda: step("jobs/add", x=1), 1),
        (lambda: chain(step("jobs/add", x=1), step("jobs/add", y=2)), 3),
        (totals, 6),
        (lambda: group(step("jobs/add", x=one) for one in range(5)), [0, 1, 2, 3, 4]),
        (
            lambda: chain(
                step("jobs/add", x=1),
                group(step("jobs/add", y=1), step("jobs/add", y=2) | step("jobs/add", y=3)),
            ),
            [2, 6],
        ),
    ],
    ids=["step", "chain", "chord", "group", "nested"],
)
def test_the_result_of_a_run_is_what_its_last_steps_return(
    app: Celery, driver: Driver, made: Any, result: Any
) -> None:
    workflow("made")(made)
    run = start("made")
    with pytest.raises(RunTimeout):
        run.result(timedelta(0))

    driver.run_all()

    assert run.result(5) == result
    assert RunHandle(run.id).result() == result


def test_a_run_without_a_result_raises_the_error_of_the_step_that_failed(
    app: Celery, driver: Driver
) -> None:
    workflow("failing")(lambda: group(step("jobs/add", x=1), step("jobs/fail")))
    run = start("failing")
    driver.run_all()

    with pytest.raises(JobFailed, match="ValueError: wrong") as raised:
        run.result(5)

    assert raised.value.job_id == run.steps.get(topic="jobs/fail").pk


def test_the_result_of_a_step_that_was_purged_is_missing(app: Celery, driver: Driver) -> None:
    workflow("purged")(lambda: group(step("jobs/add", x=1), step("jobs/add", x=2)))
    run = start("purged")
    driver.run_all()
    run.steps.last().delete()  # type: ignore[union-attr]

    with pytest.raises(MissingResult):
        run.result(5)


def test_a_stopped_run_ends_its_waiting_steps_and_nothing_follows(
    app: Celery, driver: Driver
) -> None:
    workflow("three")(lambda: chain(step("jobs/add", x=1), *(step("jobs/add") for _ in range(2))))
    run = start("three")

    assert run.stop() is RunState.STOPPED
    driver.run_all()

    assert run.state is RunState.STOPPED
    assert not run.steps.filter(attempts__gt=0).exists()
    with pytest.raises(JobFailed, match="ended STOPPED"):
        run.result(5)
    assert run.stop() is RunState.STOPPED
    with pytest.raises(UnknownRun):
        RunHandle("gone").stop()


def test_of_a_stopped_run_the_body_of_a_chord_never_runs(app: Celery, driver: Driver) -> None:
    workflow("totals")(totals)
    run = start("totals")

    assert run.stop().is_final
    driver.run_all()

    assert not run.steps.filter(attempts__gt=0).exists()
    assert run.steps.filter(topic="jobs/add", state=JobState.STOPPED).count() == 2


def test_a_step_that_runs_is_asked_to_stop(app: Celery, driver: Driver) -> None:
    workflow("one")(lambda: group(step("jobs/add", x=1), step("jobs/add", x=2)))
    run = start("one")
    running, waiting = run.steps
    place = {"instance": "render@gpu1", "incarnation": "here", "epoch": 1, "token": "t"}
    moments = {"bound_at": now(), "started_at": now()}
    arrange(Job.objects.ids([running.pk]), state="ACTIVE", **place, **moments)

    assert run.stop(force=True) is RunState.RUNNING

    running.refresh_from_db()
    assert (running.stop_requested, running.stop_forced) == (True, True)
    waiting.refresh_from_db()
    assert waiting.state == JobState.STOPPED
