"""Restarts and copies: what is done is kept, and a copy does it all again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, group
from django.utils.module_loading import autodiscover_modules

from offload.core.exceptions import RunRefused
from offload.models import Job, Run
from offload.workflows import (
    RunHandle,
    RunState,
    copy_run,
    definitions,
    result,
    start,
    step,
    workflow,
)
from tests.integration.workflows import leading

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


def test_a_restart_repeats_no_step_that_is_done(driver: Driver) -> None:
    leading.BROKEN.add("b.txt")
    run = start("three", user_data=[1])
    driver.run_all()
    before = run.plan
    leading.BROKEN.clear()

    again = run.restart()
    driver.run_all()

    assert [str(entry.state) for entry in before.values()] == ["SUCCEEDED", "FAILED", "UNREACHED"]
    assert run.plan == before
    assert again.state is RunState.SUCCEEDED
    assert again.plan["a"] == before["a"]
    assert again.plan["b"].job != before["b"].job
    assert Job.objects.filter(topic="flow/make").count() == 3
    assert [file.name for file in again.outputs] == ["a.txt", "b.txt"]
    assert [job.topic for job in again.steps] == ["flow/make", "flow/make", "flow/read"]
    assert (again.row.former_id, again.row.relation, again.row.user_data) == (
        run.id, "restart", [1],
    )  # fmt: skip
    assert again.result(5) == "a.txt"


def test_a_restart_repeats_only_the_failed_jobs_of_a_list(driver: Driver) -> None:
    workflow("each")(
        lambda: chain(
            step("flow/pages", count=3),
            step("flow/twice", called="each", for_each=result("flow/pages", "pages")),
            step("jobs/total"),
        )
    )
    leading.BROKEN.add("page 1")
    run = start("each")
    driver.run_all()
    leading.BROKEN.clear()

    again = run.restart()
    driver.run_all()

    assert run.plan["each"].note == "1 of 3 jobs failed"
    assert again.result(5) == 6
    assert [run.plan[f"each[{n}]"].job == again.plan[f"each[{n}]"].job for n in range(3)] == [
        True, False, True,
    ]  # fmt: skip


def test_a_run_is_restarted_once_and_its_restart_in_turn(driver: Driver) -> None:
    leading.BROKEN.add("a.txt")
    run = start("three")
    with pytest.raises(RunRefused, match="stop it first"):
        run.restart()
    driver.run_all()

    second = run.restart()
    with pytest.raises(RunRefused, match=f"was restarted as {second.id}: restart that"):
        run.restart()
    driver.run_all()
    leading.BROKEN.clear()
    third = second.restart()
    driver.run_all()

    assert third.state is RunState.SUCCEEDED
    with pytest.raises(RunRefused, match="Copy it"):
        third.restart()


def test_a_run_whose_kept_jobs_are_gone_is_not_restarted(driver: Driver) -> None:
    leading.BROKEN.add("b.txt")
    run = start("three")
    driver.run_all()
    run.steps.filter(pk=run.plan["a"].job).delete()

    with pytest.raises(RunRefused, match="jobs were deleted since"):
        run.restart()

    assert Run.objects.count() == 1


def test_a_copy_does_it_all_again_with_other_parameters_and_the_same_files(
    driver: Driver,
) -> None:
    workflow("sum", inputs=["in"])(
        lambda *, x=1, y=1: group(step("jobs/add", x=x, y=y), step("flow/read", name="in"))
    )
    first = start("sum", {"x": 5}, files={"in": b"content"}, user_data="u")
    driver.run_all()

    second = copy_run(first.id, {"y": 10}, reason="once more")
    driver.run_all()

    assert second.result(5) == [15, "content"]
    assert first.row.payload_id != second.row.payload_id
    row = second.row
    assert (row.former_id, row.relation, row.reason, row.user_data) == (
        first.id, "copy", "once more", "u",
    )  # fmt: skip
