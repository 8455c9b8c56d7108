"""Runs that stay together at one instance, and are placed anew when that cannot go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import chain

from offload.conf import settings
from offload.core.placement.lanes import Lane
from offload.core.placement.topology import Mode
from offload.dispatch import dispatching
from offload.fleet import membership
from offload.fleet.snapshots import snapshot
from offload.jobs import endings
from offload.operations import runs
from offload.reading.runs import run_page
from offload.reading.waiting.explain import explain_job
from offload.rules import editing
from offload.runs import relocating
from offload.runs.relocating import Relocation
from offload.signals import run_placed
from offload.workflows import RunState, start, step, workflow
from tests.integration.workflows.placement.placing import (
    FLOW,
    MAKES,
    READS,
    goodbye,
    known,
    lanes,
    sweep,
)
from tests.integration.world import HERE, THERE, join, statements

__all__ = ["known"]

if TYPE_CHECKING:
    from celery import Celery

    from tests.integration.driving.driver import Driver


def test_one_instance_that_can_do_every_step_gets_all_of_them(driver: Driver) -> None:
    join(HERE, consumers=MAKES)
    join(THERE, consumers=FLOW, mode=Mode.READY)

    run = start("three", placement="together")

    assert (run.row.instance, run.row.placement_epoch) == (THERE, 1)
    assert lanes(run) == [f"only={THERE}"]
    dispatching.sweep()
    assert [one.instance for one in run.steps] == [THERE]


def test_runs_are_dealt_to_the_instances_that_have_the_fewest(app: Celery) -> None:
    join(HERE, consumers=FLOW)
    join(THERE, consumers=FLOW)

    placed = [start("three", placement="together").row.instance for _ in range(6)]

    assert sorted(placed) == [HERE] * 3 + [THERE] * 3


def test_a_run_that_no_instance_can_do_waits_and_says_what_each_lacks(app: Celery) -> None:
    join(HERE, consumers=MAKES)
    join(THERE, consumers=READS)

    run = start("three", placement="together")

    assert (run.row.instance, run.row.placement_epoch, lanes(run)) == ("", 0, ["only="])
    why = explain_job(run.steps[0])
    assert f"{HERE} has no consumer for flow/read." in why.sentence
    assert f"{THERE} has no consumer for flow/make." in why.sentence
    assert why.instance is None
    assert f"{HERE} has no consumer for flow/read." in run_page.page(run.row).placed

    join("both@host", consumers=FLOW)
    sweep()

    assert (run.row.instance, lanes(run)) == ("both@host", ["only=both@host"])


def test_a_run_is_placed_anew_when_its_instance_is_gone_and_repeats_no_step(
    driver: Driver,
) -> None:
    here = join(HERE, consumers=FLOW)
    run = start("three", placement="together")
    driver.run_next()
    done = run.plan["a"].job
    join(THERE, consumers=FLOW)
    heard: list[tuple[str, str, int]] = []

    def note(*, old: str, new: str, event: Any, **_: Any) -> None:
        heard.append((old, new, event.epoch))

    run_placed.connect(note)
    goodbye(HERE, here)
    sweep()
    run_placed.disconnect(note)

    assert (run.row.instance, run.row.placement_epoch) == (THERE, 2)
    assert lanes(run) == [f"only={THERE}"]
    assert heard == [(HERE, THERE, 2)]
    driver.run_all()
    assert run.state is RunState.SUCCEEDED
    assert run.plan["a"].job == done


def test_a_rule_that_denies_a_step_to_come_moves_the_run_and_what_runs_goes_on(
    driver: Driver,
) -> None:
    join(HERE, consumers=FLOW)
    workflow("two")(lambda: chain(step("flow/make", called="a"), step("flow/make", called="b")))
    run = start("two", placement="together")
    join(THERE, consumers=FLOW)
    ending = driver.claim(run.plan["a"].job)
    editing.deny(HERE, "flow/make")
    snapshot(fresh=True)
    sweep()
    assert run.row.instance == HERE, "nothing waits yet, and what runs there may go on"

    endings.succeed(ending, "a.txt")
    sweep()

    assert (run.row.instance, lanes(run)) == (THERE, [f"only={THERE}"])


def test_a_run_whose_instance_is_only_silent_waits_for_the_timeout(app: Celery) -> None:
    here = join(HERE, consumers=FLOW)
    run = start("three", placement="together")
    join(THERE, consumers=FLOW)
    membership.set_mode(HERE, here, Mode.RECONNECTING)
    snapshot(fresh=True)
    seconds = [0.0]
    relocation = Relocation(clock=lambda: seconds[0])

    sweep(relocation)
    assert run.row.instance == HERE

    seconds[0] = settings().timeout + 1
    sweep(relocation)
    assert run.row.instance == THERE


def test_a_run_stays_where_it_is_while_no_other_instance_can_do_all_of_it(app: Celery) -> None:
    here = join(HERE, consumers=FLOW)
    run = start("three", placement="together")
    join(THERE, consumers=MAKES)
    goodbye(HERE, here)
    relocation = Relocation()
    sweep(relocation)

    assert (run.row.instance, run.row.placement_epoch) == (HERE, 1)
    why = explain_job(run.steps[0])
    assert f"is placed at {HERE}" in why.sentence
    assert f"{THERE} has no consumer for flow/read." in why.sentence
    with statements() as again:
        sweep(relocation)
    assert not [one for one in again if "offload_run" in one], "nothing has changed since"

    join(HERE, consumers=FLOW)
    dispatching.sweep()
    assert [one.instance for one in run.steps] == [HERE]


def test_of_two_leaders_that_place_at_once_the_second_changes_nothing(app: Celery) -> None:
    here = join(HERE, consumers=FLOW)
    run = start("three", placement="together")
    goodbye(HERE, here)
    join(THERE, consumers=FLOW)
    join("third@host", consumers=FLOW)

    assert relocating.relocate(run.id, 1)
    first = run.row.instance
    assert not relocating.relocate(run.id, 1)

    assert (run.row.instance, run.row.placement_epoch) == (first, 2)


def test_bound_jobs_that_come_back_wait_where_their_run_is_placed_then(app: Celery) -> None:
    here = join(HERE, consumers=FLOW)
    run = start("wide", placement="together")
    dispatching.sweep()
    assert {one.instance for one in run.steps} == {HERE}
    join(THERE, consumers=FLOW)

    runs.place(run.id, THERE)
    goodbye(HERE, here)

    assert {str(Lane.parse(one.lane).affinity) for one in run.steps} == {f"only={THERE}"}
    dispatching.sweep()
    assert {one.instance for one in run.steps} == {THERE}
