"""Steps that wait for a person: the first decision counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain

from offload.core.exceptions import (
    AlreadyDecided,
    JobFailed,
    RunRefused,
    UnknownRun,
    UnknownStep,
)
from offload.models import ChangeRecord, Job
from offload.operations import approvals
from offload.signals import step_waits
from offload.workflows import (
    RunState,
    approval,
    definitions,
    event,
    start,
    step,
    workflow,
)
from tests.integration.workflows import leading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.driver import Driver
from tests.integration.workflows.waits import ADA, BEN, asked, started, states


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, app: Celery) -> Iterator[None]:
    """Let every test define what it likes, with jobs that make files."""
    monkeypatch.setattr(definitions, "WORKFLOW_MODULES", ())
    monkeypatch.setattr(definitions, "defined", {})
    leading.register(app)
    yield
    leading.BROKEN.clear()


def test_an_approved_step_gives_who_and_why_to_the_next(driver: Driver, calls: list[Any]) -> None:
    with leading.noted() as events:
        run = started(asked, driver, user_data=7)
        assert states(run) == ["SUCCEEDED", "WAITING", "WAITING"]
        assert run.plan["approval"].note == "waits for an approval: May it?"
        assert str(run.state) == "RUNNING"

        approvals.approve(run.id, "approval", by=ADA, note="fine")
        driver.run_all()

    assert run.state is RunState.SUCCEEDED
    assert calls == [[{"by": "ada", "note": "fine"}]]
    assert run.plan["approval"].note == "approved by ada: fine"
    assert [one for one in events if one[0] == "approval"] == [("approval", "SUCCEEDED", 7)]
    record = ChangeRecord.objects.get()
    assert (record.action, record.actor, record.subject) == ("approve step", "ada", run.id)
    assert record.text.startswith(f"Approved step approval of run {run.id} of made")


def test_a_step_that_begins_to_wait_is_told_once(driver: Driver) -> None:
    heard: list[Any] = []

    def hear(*, event: Any, **given: Any) -> None:
        heard.append((event.kind, event.about, event.user_data, sorted(given)))

    step_waits.connect(hear)
    try:
        started(asked, driver, user_data=7)
    finally:
        step_waits.disconnect(hear)

    assert heard == [("approval", "May it?", 7, ["kind", "run_id", "sender", "signal", "step"])]


def test_the_second_decision_is_told_who_decided_first(driver: Driver) -> None:
    run = started(asked, driver)
    approvals.approve(run.id, "approval", by=ADA, note="fine")

    approvals.approve(run.id, "approval", by=ADA, note="fine")
    for act, by in ((approvals.approve, BEN), (approvals.reject, ADA), (approvals.reject, BEN)):
        with pytest.raises(AlreadyDecided, match="has step approval approved by ada: fine") as told:
            act(run.id, "approval", by=by)
        assert told.value.by == "ada"

    assert Job.objects.count() == 2


@pytest.mark.parametrize(
    ("on_error", "state", "last"),
    [("fail", "FAILED", "UNREACHED"), ("go_on", "SUCCEEDED", "SUCCEEDED")],
)
def test_a_rejected_step_has_failed(driver: Driver, on_error: str, state: str, last: str) -> None:
    run = started(lambda: asked(on_error=on_error), driver)

    run.reject("approval", by="ben", note="too dark")
    driver.run_all()

    assert states(run) == ["SUCCEEDED", "FAILED", last]
    assert str(run.state) == state
    assert run.plan["approval"].note == "rejected by ben: too dark"
    if state == "FAILED":
        with pytest.raises(JobFailed, match="rejected by ben: too dark"):
            run.result(5)


def test_what_is_no_approval_or_does_not_wait_cannot_be_approved(driver: Driver) -> None:
    workflow("late")(lambda: chain(step("jobs/add", called="a", x=1), approval(), event("e")))
    run = start("late")

    with pytest.raises(RunRefused, match="has step approval not waiting yet"):
        run.approve("approval")
    with pytest.raises(RunRefused, match="no step a that waits for an approval: it is a job"):
        run.approve("a")
    with pytest.raises(RunRefused, match="it waits for an event"):
        run.approve("e")
    with pytest.raises(UnknownStep, match="Its steps are: a, approval, e"):
        run.approve("b")
    with pytest.raises(UnknownRun):
        approvals.approve("gone", "approval")
    run.stop()
    with pytest.raises(AlreadyDecided, match="has step approval stopped: the run was stopped"):
        run.approve("approval")
