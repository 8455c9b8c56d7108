"""Runs that their graph leads: files, conditions and lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import autodiscover_modules

from offload.core.exceptions import JobFailed
from offload.db import database
from offload.models import Job, Run
from offload.runs import locking
from offload.workflows import (
    RunHandle,
    RunState,
    definitions,
    media_type,
    result,
    start,
    step,
    workflow,
)
from tests.integration.driving.fixtures import BACKENDS
from tests.integration.workflows import leading
from tests.integration.world import statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.driver import Driver


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


def test_a_step_waits_for_the_file_that_it_names_and_reads_it(driver: Driver) -> None:
    run = ended(
        lambda: group(
            step("flow/read", name="a.txt", inputs=["a.txt"]),
            step("flow/make", name="a.txt", outputs=["a.txt"]),
        ),
        driver,
    )

    assert run.result(5) == ["a.txt", "a.txt"]
    assert [job.topic for job in run.steps] == ["flow/make", "flow/read"]
    assert [file.name for file in run.outputs] == ["a.txt"]


def test_a_step_that_did_not_make_its_output_has_failed(driver: Driver) -> None:
    run = ended(
        lambda: chain(step("flow/make", missing=True, outputs=["made.txt"]), step("jobs/note")),
        driver,
    )

    assert states(run) == {"flow/make": "FAILED", "jobs/note": "UNREACHED"}
    assert run.plan["flow/make"].note == "it did not make made.txt"
    assert run.state is RunState.FAILED
    with pytest.raises(JobFailed, match=r"it did not make made\.txt"):
        run.result(5)


@pytest.mark.parametrize(
    ("content", "made"), [(b"GIF89a\x01\x00\x01\x00", "SUCCEEDED"), (b"%PDF-1.4", "SKIPPED")]
)
def test_a_condition_on_the_media_type_leaves_steps_out(
    driver: Driver, content: bytes, made: str
) -> None:
    workflow("typed", inputs=["in"])(
        lambda: group(
            step(
                "flow/make",
                called="web",
                inputs=["in"],
                outputs=["made.txt"],
                when=media_type("image/*", exclude="image/svg+xml"),
            ),
            step("flow/read", name="made.txt", inputs=["made.txt"]),
        )
    )
    run = start("typed", files={"in": content})
    driver.run_all()

    assert states(run) == {"web": made, "flow/read": made}
    assert run.state is RunState.SUCCEEDED
    assert Job.objects.count() == (2 if made == "SUCCEEDED" else 0)


@pytest.mark.parametrize(("count", "state"), [(3, "SUCCEEDED"), (1, "SKIPPED")])
def test_a_condition_on_a_result_leaves_a_step_out(driver: Driver, count: int, state: str) -> None:
    run = ended(
        lambda: chain(
            step("flow/pages", count=count),
            step("jobs/note", when=result("flow/pages", "count", above=2)),
            step("jobs/same"),
        ),
        driver,
    )

    assert states(run)["jobs/note"] == state
    assert states(run)["jobs/same"] == "SUCCEEDED"
    assert (run.result(5) is None) == (state == "SKIPPED")


def test_for_each_element_of_a_result_there_is_a_job(driver: Driver) -> None:
    run = ended(
        lambda: chain(
            step("flow/pages", count=4),
            step("flow/twice", called="each", for_each=result("flow/pages", "pages")),
            step("jobs/total"),
        ),
        driver,
    )

    assert run.result(5) == 12
    assert [run.plan[f"each[{number}]"].state for number in range(4)] == ["SUCCEEDED"] * 4
    assert run.plan["each"].members == 4


def test_for_each_of_nothing_there_is_nothing_to_do(driver: Driver) -> None:
    run = ended(
        lambda: chain(
            step("flow/pages", count=0),
            step("flow/twice", called="each", for_each=result("flow/pages", "pages")),
            step("jobs/total"),
        ),
        driver,
    )

    assert run.result(5) == 0


def test_for_each_of_what_is_no_list_fails_with_words(driver: Driver) -> None:
    run = ended(
        lambda: chain(
            step("flow/pages", count=2),
            step("flow/twice", called="each", for_each=result("flow/pages", "count")),
        ),
        driver,
    )

    assert run.plan["each"].note == "flow/pages['count'] is no list, but int"
    assert run.state is RunState.FAILED


@pytest.mark.parametrize("app", BACKENDS, indirect=True)
def test_a_value_too_large_for_its_row_reaches_the_next_step(driver: Driver, settings: Any) -> None:
    settings.OFFLOAD = {**settings.OFFLOAD, "MAX_RESULT": 10}
    run = ended(lambda: chain(step("jobs/same", value="x" * 100), step("jobs/same")), driver)

    assert run.state is RunState.SUCCEEDED
    assert run.result(5) == "x" * 100


def started_one() -> str:
    """Return the id of a run of one step."""
    workflow("one")(lambda: step("jobs/add", x=1))
    return start("one").id


def test_a_graph_is_read_once_in_a_process(driver: Driver) -> None:
    run = started_one()
    with database.atomic():
        first = locking.locked(run)

    with CaptureQueriesContext(database.connection()) as asked, database.atomic():
        second = locking.locked(run)

    [sql] = [one["sql"] for one in asked if "offload_run" in one["sql"]]
    assert '"graph"' not in sql
    assert '"canvas"' not in sql
    assert first is not None
    assert second is not None
    assert first.graph is second.graph


def test_each_end_of_a_step_reads_its_run_once_and_writes_it_once(driver: Driver) -> None:
    workflow("several")(
        lambda: chord(
            [step("jobs/add", x=1), step("flow/pages", count=1), step("flow/make")],
            step("jobs/note"),
        )
    )
    with statements() as begun:
        run = start("several")
    with statements() as ended:
        driver.run_all()

    assert run.state is RunState.SUCCEEDED
    about_run = [one.split()[0] for one in begun if "offload_run" in one.split("WHERE")[0]]
    assert about_run == ["INSERT", "UPDATE"]
    assert len([one for one in begun if one.split()[:3:2] == ["INSERT", "offload_job"]]) == 1
    about_run = [one.split()[0] for one in ended if "offload_run " in one.split("WHERE")[0]]
    assert about_run == ["SELECT", "UPDATE"] * 4


@pytest.mark.parametrize("change", [{"plan": {"other": []}}, {"plan": None}, {"graph": "x"}])
def test_a_run_that_cannot_be_read_is_led_by_nobody(
    driver: Driver, change: dict[str, object]
) -> None:
    run = started_one()
    Run.objects.filter(pk=run).update(**change)

    with database.atomic():
        assert locking.locked(run) is None
        assert locking.locked("gone") is None
