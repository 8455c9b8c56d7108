"""Plain Celery tasks in workflows: steps of the run's plan, which end when Celery says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group

from offload.canvas import plain_tasks, relays
from offload.conf import settings
from offload.dispatch import offering
from offload.jobs import aftermath
from offload.models import Job
from offload.operations import runs
from offload.reading.runs.run_page import page
from offload.workflows import RunHandle, approval, definitions, result, start, step, workflow
from offload.workflows.catalogue import catalogue
from tests.integration.workflows import leading
from tests.integration.world import HERE, join

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

#: The step of the plain task that adds.
ADD = "celery/plain-add"


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, app: Celery) -> None:
    """Let every test define what it likes."""
    monkeypatch.setattr(definitions, "WORKFLOW_MODULES", ())
    monkeypatch.setattr(definitions, "defined", {})
    leading.register(app)


def states(run: RunHandle) -> dict[str, str]:
    """Return the states of the steps by their names."""
    return {name: str(entry.state) for name, entry in run.plan.items()}


def test_a_plain_task_is_a_step_that_passes_results_on(plain: Named, driver: Driver) -> None:
    workflow("mixed")(lambda: chain(step("jobs/add", x=1), plain.add.s(1), step("jobs/add", y=5)))

    with leading.noted() as events:
        run = start("mixed", user_data={"n": 7})
        assert states(run) == {"jobs/add": "RUNNING", ADD: "WAITING", "jobs/add#2": "WAITING"}
        driver.run_all()

    assert run.result(5) == 7
    assert events == [
        ("mixed", "", "RUNNING", {"n": 7}),
        ("jobs/add", "SUCCEEDED", {"n": 7}), (ADD, "SUCCEEDED", {"n": 7}),
        ("jobs/add#2", "SUCCEEDED", {"n": 7}),
        ("mixed", "RUNNING", "SUCCEEDED", {"n": 7}),
    ]  # fmt: skip
    assert [one.kind for one in run.steps] == ["job", "relay", "job"]


def test_plain_tasks_side_by_side_are_gathered_and_their_results_asked_for(
    plain: Named, driver: Driver
) -> None:
    workflow("wide")(
        lambda: chain(
            group(plain.add.s(1, 2), step("jobs/add", called="job", x=3), plain.add.s(4, 5)),
            plain.total.s(),
            step("jobs/same", called="big", value="big", when=result("celery/plain-total"))
            .set(immutable=True),
        )
    )  # fmt: skip
    run = start("wide")
    driver.run_all()

    assert states(run) == {
        ADD: "SUCCEEDED", "job": "SUCCEEDED", f"{ADD}#2": "SUCCEEDED",
        "celery/plain-total": "SUCCEEDED", "big": "SUCCEEDED",
    }  # fmt: skip
    assert run.result(5) == "big"


def test_a_plain_task_that_fails_fails_its_step_and_a_restart_does_it_again(
    plain: Named, driver: Driver
) -> None:
    workflow("sad")(lambda: chain(step("jobs/add", x=1), plain.fail.s(), step("jobs/same")))
    run = start("sad")
    driver.run_all()

    assert states(run) == {
        "jobs/add": "SUCCEEDED", "celery/plain-fail": "FAILED", "jobs/same": "UNREACHED",
    }  # fmt: skip
    assert run.plan["celery/plain-fail"].note == "ValueError: wrong"
    assert run.state == "FAILED"
    again = run.restart()
    assert states(again)["celery/plain-fail"] == "RUNNING"
    assert again.plan["jobs/add"] == run.plan["jobs/add"]
    driver.run_all()
    assert again.state == "FAILED"


def test_a_pause_holds_a_plain_task_and_a_stop_before_its_sending_ends_it(
    plain: Named, driver: Driver, monkeypatch: pytest.MonkeyPatch, calls: list[Any]
) -> None:
    workflow("held")(lambda: chain(step("jobs/add", x=1), plain.note.s(), approval()))
    run = start("held")
    run.pause()
    driver.run_all()
    assert states(run)["celery/plain-note"] == "WAITING"

    monkeypatch.setattr("offload.canvas.posting.POST_TIMEOUT_SECONDS", -1.0)
    run.resume()
    assert states(run)["celery/plain-note"] == "RUNNING"
    run.stop()
    monkeypatch.undo()
    driver.run_all()

    assert states(run)["celery/plain-note"] == "STOPPED"
    assert run.state == "STOPPED"
    assert calls == []


def test_the_end_of_a_plain_task_counts_once_and_its_callbacks_are_celerys(
    plain: Named, driver: Driver, calls: list[Any]
) -> None:
    workflow("linked")(
        lambda: chain(plain.add.s(1, 2).on_error(plain.heard.s()), step("jobs/same"))
    )
    workflow("called")(
        lambda: chain(plain.add.s(1, 2).set(link=plain.note.s("after")), step("jobs/same"))
    )
    first, run = start("linked"), start("called")
    driver.run_all()
    job = run.plan[ADD].job

    plain_tasks.close(driver.app, job, "FAILURE", ValueError("late"))
    aftermath.sweep()
    driver.run_all()

    assert (first.result(5), run.result(5)) == (3, 3)
    assert calls == [[3, "after"]]
    assert Job.objects.filter(run=run.id, kind="relay").count() == 1


def test_an_end_that_nobody_reported_is_read_from_the_backend(
    plain: Named, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow("lost")(lambda: chain(plain.add.s(1, 2), step("jobs/same")))
    run = start("lost")
    monkeypatch.setattr(plain_tasks, "close", lambda *_: None)
    driver.run_plain()
    monkeypatch.undo()
    assert states(run)[ADD] == "RUNNING"

    monkeypatch.setattr(relays, "ASK_AGAIN_SECONDS", 0.0)
    relays.sweep()
    driver.run_all()

    assert run.result(5) == 3


@pytest.mark.parametrize("length", [10, 200_000])
def test_results_of_any_size_are_passed_on_though_celery_keeps_none(
    plain: Named, driver: Driver, length: int
) -> None:
    assert length < 100 or length > settings().max_result
    silent = plain.same.s("x" * length).set(ignore_result=True)
    workflow("long")(
        lambda: chain(
            silent,
            step("jobs/add", called="one", y="y"),
            step("jobs/same", called="two", when=result("celery/plain-same")),
        )
    )
    run = start("long")
    driver.run_all()

    assert run.result(5) == "x" * length + "y"


def test_a_run_with_plain_tasks_stays_together_with_its_jobs(
    plain: Named, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The driver binds.
    monkeypatch.setattr(offering, "offer", lambda _: 0)
    workflow("near", placement="together")(
        lambda: chain(step("flow/make", called="a"), plain.same.s())
    )
    join(HERE, consumers=[{"pattern": "flow/**", "task": "flow"}])

    run = start("near")
    assert run.row.instance == HERE
    driver.run_all()

    assert run.state == "SUCCEEDED"
    assert page(run.row).unplaced == ""


def test_the_catalogue_and_the_page_show_it_as_such(plain: Named, driver: Driver) -> None:
    workflow("mixed")(lambda: chain(plain.add.s(1, 2), step("jobs/same")))
    [found] = catalogue()

    assert found.problem == ""
    assert found.graph is not None
    assert [one.plain for one in found.graph.steps] == [True, False]
    run = start("mixed")
    assert "a plain Celery task" in page(run.row).mermaid
    assert [one.topic for one in page(run.row).steps] == [ADD, "jobs/same"]
    runs.stop(run.id)


def test_a_chord_of_plain_tasks_alone_is_a_graph_too(plain: Named, driver: Driver) -> None:
    workflow("plain")(lambda: chord([plain.add.s(1, 1), plain.add.s(2, 2)], plain.total.s()))
    run = start("plain")
    driver.run_all()

    assert run.result(5) == 6
    assert list(states(run)) == [ADD, f"{ADD}#2", "celery/plain-total"]
