"""Runs placed by people, near what their steps need, or spread; and runs that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery import chain

from offload.core.exceptions import ConfigurationError, RunRefused, UnknownInstance
from offload.dispatch import dispatching
from offload.models import ChangeRecord, Job, Run
from offload.models.change_records import Entrance
from offload.operations import run_previews, runs
from offload.operations.changes.actors import Actor
from offload.reading.waiting.explain import explain_job
from offload.workflows import RunState, copy_run, start, step, workflow
from tests.integration.workflows.placement.placing import (
    FLOW,
    MAKES,
    goodbye,
    known,
    lanes,
    sweep,
    wide,
)
from tests.integration.world import HERE, THERE, age, join, statements

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver
    from tests.integration.driving.tasks import Named

__all__ = ["known"]
ADA = Actor(name="ada", entrance=Entrance.TERMINAL)


def test_a_person_places_a_run_and_frees_it_again(app: Celery) -> None:
    join(HERE, consumers=FLOW)
    run = start("three")
    assert (run.row.placement, lanes(run)) == ("", [""])
    join(THERE, consumers=MAKES)

    effects = run_previews.preview(run.id, lambda key: runs.place(key, HERE))
    assert [str(one) for one in effects] == [
        f"a runs at {HERE}, unless it has begun", f"b runs at {HERE}", f"c runs at {HERE}",
    ]  # fmt: skip
    assert run.row.instance == ""

    run.place(HERE)
    assert (run.row.placement, run.row.instance, lanes(run)) == ("together", HERE, [f"only={HERE}"])
    with pytest.raises(RunRefused, match=f"is placed at {HERE} already"):
        runs.place(run.id, HERE)
    with pytest.raises(RunRefused, match=f"{THERE} has no consumer for flow/read"):
        runs.place(run.id, THERE)
    with pytest.raises(UnknownInstance):
        runs.place(run.id, "nobody@host")

    runs.place(run.id, "", by=ADA, note="enough")
    assert ChangeRecord.objects.get().action == "unplace run"
    assert (run.row.placement, run.row.instance, lanes(run)) == ("", "", [""])
    with pytest.raises(RunRefused, match="at no instance as a whole already"):
        runs.place(run.id, "")


def test_restart_and_copy_keep_the_placement_and_choose_anew(driver: Driver) -> None:
    here = join(HERE, consumers=FLOW)
    workflow("torn")(lambda: step("flow/make", missing=True, outputs=["made.txt"]))
    run = start("torn", placement="together")
    driver.run_all()
    assert run.state is RunState.FAILED
    goodbye(HERE, here)
    join(THERE, consumers=FLOW)

    again, copy = run.restart(), copy_run(run.id)

    assert [again.row.instance, copy.row.instance] == [THERE, THERE]
    assert {lanes(again)[0], lanes(copy)[0]} == {f"only={THERE}"}


def test_a_step_waits_near_what_it_needs_and_then_may_run_anywhere(driver: Driver) -> None:
    join("worker@here", consumers=FLOW)
    join(THERE, consumers=FLOW)
    run = start("three", placement="near")
    assert lanes(run) == [""], "nothing came before it"
    driver.run_next()

    assert lanes(run) == ["near=5:worker@here"]
    [job] = Job.objects.filter(run=run.id, state="PENDING")
    assert "waits 5 s for worker@here" in str(explain_job(job).verdicts[-1].reason)
    sweep()
    assert lanes(run) == ["near=5:worker@here"]

    age([job.pk], "created_at", seconds=5)
    sweep()
    assert lanes(run) == [""]


def test_a_step_does_not_wait_near_an_instance_that_is_gone(driver: Driver) -> None:
    near = join("worker@here", consumers=FLOW)
    run = start("three", placement="near")
    driver.run_next()
    assert lanes(run) == ["near=5:worker@here"]

    goodbye("worker@here", near)
    sweep()
    assert lanes(run) == [""]


def test_parallel_steps_take_turns_over_the_instances(app: Celery) -> None:
    join(HERE, consumers=FLOW)
    join(THERE, consumers=FLOW)

    workflow("spread", placement="spread", near_seconds=60)(wide)
    run = start("spread")

    assert sorted(lanes(run)) == [f"near=60:{HERE}"] * 2 + [f"near=60:{THERE}"] * 2


def test_a_placement_that_is_unknown_or_cannot_be_kept_starts_nothing(
    app: Celery, plain: Named
) -> None:
    with pytest.raises(ConfigurationError, match="'there' is none of 'together', 'near'"):
        start("three", placement="there")
    with pytest.raises(ConfigurationError, match="is no number of seconds"):
        workflow("other", near_seconds=-1)
    workflow("mixed")(lambda: chain(step("flow/make"), plain.add.starmap([(1, 2)])))
    with pytest.raises(ConfigurationError, match="needs steps that a graph can lead"):
        start("mixed", placement="together")
    assert not Run.objects.exists()


def test_runs_without_a_placement_cost_no_statement(app: Celery) -> None:
    join(HERE, consumers=FLOW)
    start("wide")
    with statements() as without:
        start("wide")
    with statements() as spread:
        start("wide", placement="spread")

    assert len(spread) == len(without), "positions are counted without a question"
    with statements() as swept:
        dispatching.bind_due(relocate=lambda lanes: pytest.fail(f"{lanes} are kept to nothing"))
    assert not [one for one in swept if "offload_run" in one]
