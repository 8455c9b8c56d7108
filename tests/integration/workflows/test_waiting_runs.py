"""Runs with steps that wait: limits, pauses, stops, restarts, copies."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import offload
from offload.core.exceptions import (
    AlreadyDecided,
)
from offload.db import database
from offload.files import retention
from offload.fleet.snapshots import forget
from offload.models import Job, Queue, Run, StepWait
from offload.operations import approvals, run_previews
from offload.runs import deciding
from offload.workflows import (
    RunState,
    approval,
    definitions,
    event,
    result,
    send_event,
    step,
    workflow,
)
from tests.databases import SQLITE
from tests.integration.workflows import leading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.driver import Driver
from tests.integration.workflows.waits import HOUR, asked, pass_time, started, states


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, app: Celery) -> Iterator[None]:
    """Let every test define what it likes, with jobs that make files."""
    monkeypatch.setattr(definitions, "WORKFLOW_MODULES", ())
    monkeypatch.setattr(definitions, "defined", {})
    leading.register(app)
    yield
    leading.BROKEN.clear()


@pytest.mark.parametrize("on_error", ["fail", "go_on"])
def test_after_its_limit_a_step_has_failed(driver: Driver, on_error: str) -> None:
    run = started(lambda: asked(within=HOUR, on_error=on_error), driver)
    pass_time(run)

    deciding.end_due()
    driver.run_all()

    assert run.plan["approval"].note == "timed out"
    assert states(run)[1:] == ["FAILED", "UNREACHED" if on_error == "fail" else "SUCCEEDED"]
    with pytest.raises(AlreadyDecided, match="has step approval timed out"):
        run.approve("approval")


def test_a_paused_run_takes_a_decision_and_goes_on_when_it_is_resumed(driver: Driver) -> None:
    run = started(asked, driver)
    run.pause()
    run.approve("approval")

    assert states(run) == ["SUCCEEDED", "SUCCEEDED", "WAITING"]
    run.resume()
    driver.run_all()
    assert run.state is RunState.SUCCEEDED


def test_a_stopped_run_closes_its_waits(driver: Driver) -> None:
    run = started(lambda: asked(within=HOUR), driver)

    assert run.stop() is RunState.STOPPED
    assert states(run) == ["SUCCEEDED", "STOPPED", "STOPPED"]
    assert not StepWait.open().exists()
    pass_time(run)
    assert deciding.end_due() == 0


def test_a_step_that_waits_can_be_skipped(driver: Driver, calls: list[Any]) -> None:
    run = started(asked, driver)
    run.skip("approval")
    driver.run_all()

    assert states(run) == ["SUCCEEDED", "SKIPPED", "SUCCEEDED"]
    assert calls == [[None]]
    assert not StepWait.open().exists()
    with pytest.raises(AlreadyDecided, match="has step approval skipped: by hand"):
        run.approve("approval")


def test_a_restart_keeps_decisions_and_asks_again_what_was_rejected(driver: Driver) -> None:
    run = started(
        lambda: chain(
            approval(called="one"),
            step("jobs/same", called="b"),
            approval(called="two", when=result("one", "note", equals="fine")),
            step("jobs/same", called="d", value=3).set(immutable=True),
        ),
        driver,
    )
    run.approve("one", by="ada", note="fine")
    driver.run_all()
    run.reject("two")
    assert run.state is RunState.FAILED

    again = run.restart()
    Run.objects.filter(pk=run.id).delete()

    assert states(again) == ["SUCCEEDED", "SUCCEEDED", "WAITING", "WAITING"]
    with pytest.raises(AlreadyDecided, match="approved by ada"):
        again.reject("one")
    again.approve("two")
    driver.run_all()
    assert again.result(5) == 3


def test_a_copy_asks_for_everything_again(driver: Driver) -> None:
    run = started(asked, driver)
    run.approve("approval")
    workflow("made")(asked)
    again = offload.workflows.copy_run(run.id)
    driver.run_all()

    assert states(again) == ["SUCCEEDED", "WAITING", "WAITING"]


def test_a_preview_of_a_decision_decides_nothing(driver: Driver) -> None:
    run = started(asked, driver)

    effects = run_previews.preview(run.id, lambda one: approvals.approve(one, "approval"))

    assert [str(one) for one in effects] == [
        "approval: WAITING → SUCCEEDED",
        "c: WAITING → RUNNING",
    ]
    assert StepWait.open().count() == 1
    assert states(run) == ["SUCCEEDED", "WAITING", "WAITING"]


def test_a_wait_at_the_end_gives_its_result_to_the_run(driver: Driver) -> None:
    run = started(lambda: chord([step("jobs/add", x=1), event("e")], approval()), driver)
    send_event("e", 4)
    run.approve("approval", by="ada")

    assert run.result(5) == {"by": "ada", "note": ""}


def test_a_step_is_kept_as_long_as_its_run_waits(driver: Driver) -> None:
    Queue.objects.create(name="short", topics=["**"], retention_days=1)
    forget()
    run = started(asked, driver)
    Job.objects.update(finished_at=timezone.now() - timedelta(days=4000))
    retention.purge()
    assert Job.objects.count() == 1

    run.approve("approval")
    driver.run_all()
    assert run.state is RunState.SUCCEEDED
    retention.purge()
    assert Job.objects.count() == 1
    assert run.plan["c"].job == Job.objects.get().pk


@pytest.mark.parametrize("database_alias", [SQLITE], indirect=True)
def test_the_look_for_what_is_due_reads_an_index_of_open_waits_alone(driver: Driver) -> None:
    plan = StepWait.open().filter(due_at__lte=timezone.now()).order_by("due_at").explain()

    assert "USING INDEX offload_w_due" in plan
    with CaptureQueriesContext(database.connection()) as asked_for:
        assert deciding.end_due() == 0
    assert len(asked_for) == 1
