"""What people do to runs: stop, pause, resume, skip, restart, copy; each is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord
from django.utils.module_loading import autodiscover_modules

from offload.core.exceptions import RunRefused, UnknownRun, UnknownStep
from offload.jobs import endings
from offload.models import ChangeRecord, Job
from offload.models.change_records import Entrance
from offload.operations import runs
from offload.operations.changes.actors import Actor
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
    from collections.abc import Callable, Iterator

    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

ADA = Actor(name="ada", entrance=Entrance.TERMINAL)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, app: Celery) -> Iterator[None]:
    """Let every test define what it likes, with jobs that make files."""
    autodiscover_modules(*definitions.WORKFLOW_MODULES)
    monkeypatch.setattr(definitions, "defined", dict(definitions.defined))
    leading.register(app)
    workflow("three")(three)
    yield
    leading.BROKEN.clear()


def three() -> Any:
    """Make two files, then note it."""
    return chain(
        step("flow/make", called="a", name="a.txt", outputs=["a.txt"]),
        step("flow/make", called="b", name="b.txt", outputs=["b.txt"]),
        step("flow/read", called="c", name="a.txt", inputs=["a.txt", "b.txt"]),
    )


def states(run: RunHandle) -> list[str]:
    """Return the states of its steps."""
    return [str(entry.state) for entry in run.plan.values()]


def test_a_paused_run_begins_nothing_until_it_is_resumed(driver: Driver) -> None:
    run = start("three")
    run.pause()
    driver.run_all()

    assert states(run) == ["SUCCEEDED", "WAITING", "WAITING"]
    assert str(run.state) == RunState.RUNNING
    with pytest.raises(RunRefused, match="is paused already"):
        run.pause()

    run.resume()
    driver.run_all()

    assert run.state is RunState.SUCCEEDED
    with pytest.raises(RunRefused, match="has ended: it is SUCCEEDED"):
        run.pause()


def test_a_run_that_is_not_paused_cannot_be_resumed(driver: Driver) -> None:
    with pytest.raises(RunRefused, match="is not paused"):
        start("three").resume()


def test_a_paused_run_can_be_stopped(driver: Driver) -> None:
    run = start("three")
    run.pause()

    assert run.stop() is RunState.STOPPED
    assert states(run) == ["STOPPED", "STOPPED", "STOPPED"]


def test_nothing_begins_after_a_stop_although_a_running_step_succeeds(driver: Driver) -> None:
    run = start("three")
    ending = driver.claim(run.plan["a"].job)

    assert run.stop() is RunState.RUNNING

    endings.succeed(ending, "done")
    driver.run_all()

    # It did not make its file.
    assert states(run) == ["FAILED", "STOPPED", "STOPPED"]
    assert run.state is RunState.FAILED
    assert Job.objects.count() == 1


def test_a_stopped_chord_leaves_the_run_stopped(driver: Driver) -> None:
    workflow("chord")(
        lambda: chord([step("jobs/add", x=1), step("jobs/add", x=2)], step("jobs/total"))
    )
    run = start("chord")

    assert run.stop() is RunState.STOPPED
    assert run.stop() is RunState.STOPPED


def test_a_step_that_waits_can_be_skipped(driver: Driver, calls: list[Any]) -> None:
    workflow("skip")(
        lambda: chain(step("jobs/add", x=1), step("jobs/same", called="b"), step("jobs/note"))
    )
    run = start("skip")
    run.skip("b")
    driver.run_all()

    assert run.state is RunState.SUCCEEDED
    assert calls == [[None]]
    with pytest.raises(UnknownStep, match="Its steps are: jobs/add, b, jobs/note"):
        start("skip").skip("x")


def test_what_needs_the_file_of_a_skipped_step_is_skipped_too(driver: Driver) -> None:
    run = start("three")
    run.skip("b")
    driver.run_all()

    assert states(run) == ["SUCCEEDED", "SKIPPED", "SKIPPED"]
    assert run.plan["c"].note == "its input b.txt was not made: b is SKIPPED"


def test_a_step_that_has_begun_cannot_be_skipped(driver: Driver) -> None:
    with pytest.raises(RunRefused, match="cannot skip a, which is RUNNING"):
        start("three").skip("a")


@pytest.mark.parametrize(
    ("act", "action", "text"),
    [
        (runs.stop, "stop run", "Asked run {} of three to stop: late"),
        (runs.pause, "pause run", "Paused run {} of three: late"),
        (lambda run, **by: runs.skip(run, "c", **by), "skip step",
         "Skipped step c of run {} of three: late"),
    ],
    ids=["stop", "pause", "skip"],
)  # fmt: skip
def test_what_a_person_does_is_recorded(
    driver: Driver, act: Callable[..., Any], action: str, text: str
) -> None:
    run = start("three")

    act(run.id, by=ADA, note="late")

    record = ChangeRecord.objects.get()
    assert (record.actor, record.action, record.kind, record.subject) == (
        "ada", action, "run", run.id,
    )  # fmt: skip
    assert record.text.rstrip(".").startswith(text.format(run.id)[: len("Asked run")])
    assert "late" in record.text


@pytest.mark.parametrize("act", [runs.stop, runs.pause, runs.resume, runs.restart])
def test_a_run_that_celerys_canvas_leads_can_only_be_stopped(
    plain: Named, driver: Driver, act: Callable[[str], Any]
) -> None:
    workflow("mixed")(lambda: step("jobs/add", x=1) | plain.add.starmap([(1, 2)]))
    run = start("mixed")

    with pytest.raises(RunRefused, match="it can only be stopped"):
        act(run.id)
    with pytest.raises(UnknownRun):
        act("gone")
    assert run.stop().is_final
