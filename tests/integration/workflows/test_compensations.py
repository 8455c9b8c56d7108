"""Compensations: when a step fails that asks for it, what was done is undone in reverse order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain

from offload.core.exceptions import ConfigurationError, JobFailed, RunRefused
from offload.jobs import aftermath
from offload.models import Job, Run
from offload.operations import run_previews
from offload.reading.runs.run_page import page
from offload.signals import alarm
from offload.worker.tasks.task import OffloadTask
from offload.workflows import RunHandle, approval, definitions, start, step, workflow
from tests.integration.driving.tasks import define
from tests.integration.workflows import leading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.driver import Driver

#: What was undone, in order, with the results that it got.
UNDONE: list[tuple[Any, ...]] = []


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, app: Celery) -> Iterator[None]:
    """Let every test define what it likes, with a job that undoes."""
    monkeypatch.setattr(definitions, "WORKFLOW_MODULES", ())
    monkeypatch.setattr(definitions, "defined", {})
    leading.register(app)
    define(app, undo, name="flow.undo", base=OffloadTask, topic="flow/undo")
    yield
    leading.BROKEN.clear()
    UNDONE.clear()


def undo(result: Any, *, word: str = "") -> None:
    """Note what is undone; fail for what is broken."""
    if "undo" in leading.BROKEN or f"undo {word}" in leading.BROKEN:
        raise ValueError("no way back")
    UNDONE.append((result, word))


def ended(name: str, driver: Driver) -> RunHandle:
    """Return a run with nothing left to do."""
    run = start(name)
    driver.run_all()
    return run


def states(run: RunHandle) -> dict[str, str]:
    """Return the state of each step."""
    return {name: str(entry.state) for name, entry in run.plan.items()}


@pytest.fixture
def booked() -> None:
    """Define a run whose last step fails, with results that tell what they are of."""
    leading.BROKEN.add("paid")
    workflow("trip")(
        lambda: chain(
            step("jobs/same", called="hotel", value=1, compensate="flow/undo"),
            step("jobs/same", called="look", value=2).set(immutable=True),
            step("flow/twice", called="car", compensate=step("flow/undo", word="car")),
            step("flow/make", called="pay", name="paid", on_error="compensate"),
        )
    )


@pytest.mark.usefixtures("booked")
def test_done_steps_are_undone_in_reverse_order_with_their_results(driver: Driver) -> None:
    with leading.noted() as events:
        run = ended("trip", driver)

    assert UNDONE == [(4, "car"), (1, "")]
    assert states(run) == {
        "hotel": "SUCCEEDED", "look": "SUCCEEDED", "car": "SUCCEEDED", "pay": "FAILED",
        "undo car": "SUCCEEDED", "undo hotel": "SUCCEEDED",
    }  # fmt: skip
    assert run.state == "FAILED"
    ends = [one[0] for one in events]
    assert ends[-3:] == ["undo car", "undo hotel", "trip"]
    assert len(ends) == len(set(ends)) + 1  # The run begins and ends.
    with pytest.raises(JobFailed, match="paid is broken"):
        run.result(5)
    aftermath.sweep()
    driver.run_all()
    assert len(UNDONE) == 2


def test_nothing_is_undone_if_nothing_fails_or_nobody_asks(driver: Driver) -> None:
    workflow("calm")(
        lambda: chain(
            step("jobs/same", called="a", value=1, compensate="flow/undo"),
            step("flow/twice", called="b", on_error="fail"),
            step("jobs/same", called="c", on_error="compensate"),
        )
    )
    assert ended("calm", driver).state == "SUCCEEDED"
    leading.BROKEN.add("page 1")
    assert ended("calm", driver).state == "FAILED"
    assert UNDONE == []


@pytest.mark.usefixtures("booked")
def test_a_failed_compensation_is_said_loudly_and_the_others_go_on(driver: Driver) -> None:
    leading.BROKEN.add("undo car")
    heard: list[Any] = []

    def hear(*, event: Any, **_: Any) -> None:
        heard.append((str(event.kind), event.fact))

    alarm.connect(hear)
    try:
        run = ended("trip", driver)
    finally:
        alarm.disconnect(hear)

    assert UNDONE == [(1, "")]
    assert states(run)["undo car"] == "FAILED"
    [(kind, fact)] = heard
    assert kind == "compensation_failed"
    assert f"run {run.id} of trip failed, and step 'undo car' is FAILED" in fact
    assert "no way back" in fact
    assert (page(run.row).not_undone, run.row.not_undone) == (("car",), 1)
    with pytest.raises(RunRefused, match=r"was not undone wholly: car\. Undo that by hand"):
        run.restart()


@pytest.mark.usefixtures("booked")
def test_a_restart_does_again_what_was_undone(driver: Driver) -> None:
    run = ended("trip", driver)
    leading.BROKEN.clear()

    again = run.restart()
    driver.run_all()

    assert again.result(5) == "paid"
    assert again.plan["hotel"].job != run.plan["hotel"].job
    assert set(states(again)) == {"hotel", "look", "car", "pay"}


@pytest.mark.usefixtures("booked")
def test_a_pause_holds_compensations_and_a_stop_ends_them(driver: Driver) -> None:
    run = start("trip")
    while states(run)["pay"] == "WAITING":
        _next(driver, run)
    run.pause()
    driver.run_all()
    assert states(run)["pay"] == "FAILED"
    assert states(run)["undo hotel"] == "WAITING"
    assert run.state == "RUNNING"

    run.stop()
    driver.run_all()

    assert run.state == "FAILED"
    assert states(run)["undo hotel"] == "STOPPED"
    assert "hotel" in page(run.row).not_undone


def _next(driver: Driver, run: RunHandle) -> None:
    """Let one more step end."""
    job = next(one for one in run.plan.values() if one.state == "RUNNING").job
    driver.run(job)


@pytest.mark.usefixtures("booked")
def test_a_stopped_run_is_not_undone(driver: Driver) -> None:
    run = start("trip")
    run.pause()
    driver.run_all()
    run.stop()
    driver.run_all()

    assert run.state == "STOPPED"
    assert UNDONE == []


def test_a_rejected_approval_undoes_what_was_done(driver: Driver) -> None:
    workflow("ask")(
        lambda: chain(
            step("jobs/same", called="a", value=1, compensate="flow/undo"),
            approval(on_error="compensate"),
        )
    )
    run = ended("ask", driver)
    effects = run_previews.preview(run.id, lambda one: _rejected(one))
    run.reject("approval", by="ada")
    driver.run_all()

    assert "undo a: WAITING → RUNNING" in [str(one) for one in effects]
    assert UNDONE == [(1, "")]
    assert run.state == "FAILED"


def _rejected(run_id: str) -> None:
    RunHandle(run_id).reject("approval")


def test_a_compensation_can_be_skipped_by_hand(driver: Driver) -> None:
    leading.BROKEN.add("paid")
    workflow("two")(
        lambda: chain(
            step("jobs/same", called="a", value=1, compensate="flow/undo"),
            step("jobs/same", called="b", compensate="flow/undo"),
            step("flow/make", called="pay", name="paid", on_error="compensate"),
        )
    )
    run = start("two")
    while "undo a" not in run.plan:
        _next(driver, run)
    run.skip("undo a")
    driver.run_all()

    assert UNDONE == [(1, "")]
    assert page(run.row).not_undone == ()


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: step("a", on_error="compensate"), "no step says what undoes it"),
        (lambda: step("a", compensate="b"), "nothing ever asks for it"),
        (lambda: step("a", compensate=7), "is no topic and no step"),  # type: ignore[arg-type]
        (lambda: step("a", compensate=step("b", called="c")), "has properties only"),
        (lambda: step("a", on_error="undo"), "neither 'fail' nor 'go_on' nor 'compensate'"),
        (
            lambda: chain(
                step("a", called="a", compensate="b", on_error="compensate"),
                step("b", called="undo a"),
            ),
            "is called as what undoes another",
        ),
    ],
)
def test_what_cannot_be_undone_is_refused(driver: Driver, made: Any, told: str) -> None:
    workflow("made")(made)

    with pytest.raises(ConfigurationError, match=told):
        start("made")
    assert not Run.objects.exists()
    assert not Job.objects.exists()
