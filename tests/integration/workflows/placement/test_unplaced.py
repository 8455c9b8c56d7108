"""The doctor on runs that find no place: what keeps them, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.placement.topology import Mode
from offload.diagnostics import runs
from offload.rules import switching
from offload.workflows import start
from tests.integration.workflows.placement.placing import (
    FLOW,
    MAKES,
    READS,
    goodbye,
    known,
    lanes,
    sweep,
)
from tests.integration.world import HERE, THERE, join

__all__ = ["known"]

if TYPE_CHECKING:
    from celery import Celery


def test_a_run_that_no_instance_can_do_is_named_with_what_each_lacks(app: Celery) -> None:
    join(HERE, consumers=MAKES)
    join(THERE, consumers=READS)
    first = start("three", placement="together")
    start("three", placement="together")

    [found] = runs.examine()

    assert found.fact == (
        "2 runs find no place (together). No instance can do every step. "
        f"{HERE} has no consumer for flow/read. {THERE} has no consumer for flow/make. "
        f"The oldest is {first.id} of three."
    )
    assert found.next_step == (
        f"To place each step by itself: manage.py offload runs place {first.id} --anywhere\n"
        f"To see why: manage.py offload explain {first.id}"
    )


def test_a_run_placed_by_hand_is_named_once_its_instance_is_gone(app: Celery) -> None:
    here = join(HERE, consumers=FLOW)
    run = start("three")
    run.place(HERE)
    assert list(runs.examine()) == []

    goodbye(HERE, here)

    [found] = runs.examine()
    assert f"1 run finds no place (together, placed at {HERE})." in found.fact
    assert f"{HERE} was shut down." in found.fact


def test_a_run_that_is_placed_anew_in_a_moment_is_not_named(app: Celery) -> None:
    here = join(HERE, consumers=FLOW)
    run = start("three", placement="together")
    goodbye(HERE, here)
    join(THERE, consumers=FLOW, mode=Mode.READY)

    assert list(runs.examine()) == []
    sweep()
    assert run.row.instance == THERE


def test_runs_that_stay_near_or_are_spread_are_named_if_nobody_may_do_a_step(app: Celery) -> None:
    join(HERE, consumers=FLOW)
    near, spread = start("three", placement="near"), start("wide", placement="spread")
    start("three")
    assert list(runs.examine()) == []

    switching.switch(HERE, off=True, note="new disks")
    sweep()

    facts = {one.fact.partition(".")[0]: one for one in runs.examine()}
    assert set(facts) == {"1 run finds no place (near)", "1 run finds no place (spread)"}
    found = facts["1 run finds no place (near)"]
    assert (near.id in found.fact, "new disks" in found.fact) == (True, True)
    assert f"manage.py offload on {HERE}" in found.next_step
    assert spread.id in facts["1 run finds no place (spread)"].fact
    assert lanes(near) == [""]
