"""What a worker's parent knows, and the snapshots its agent reads."""

from __future__ import annotations

import json
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from offload.core.placement.topology import Mode
from offload.core.retries import Cause
from offload.worker.parent import in_flight as module
from offload.worker.parent.in_flight import Holdings
from offload.worker.reports import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.envelopes import Key

ONE: Key = ("one", 1)
TWO: Key = ("two", 4)
#: Two deliveries of one message.
FIRST, SECOND = object(), object()


@pytest.fixture
def holdings() -> Holdings:
    """Return what a new worker holds: nothing."""
    return Holdings(concurrency=2)


def read(holdings: Holdings) -> Report:
    """Return the snapshot as the agent has it from the link."""
    return Report.read(json.loads(json.dumps(holdings.snapshot())))


def test_a_job_is_held_then_runs_then_is_forgotten(holdings: Holdings) -> None:
    holdings.receive(ONE, FIRST)
    assert read(holdings).held == {ONE}

    holdings.accept(ONE, 4711, FIRST)
    assert (read(holdings).held, read(holdings).running) == (frozenset(), {ONE: 4711})

    holdings.end(ONE, FIRST)
    assert read(holdings).running == {}


def test_every_change_wakes_who_tells_the_agent(holdings: Holdings) -> None:
    changes: tuple[Callable[[], None], ...] = (
        partial(holdings.receive, ONE, FIRST),
        partial(holdings.accept, ONE, 1, FIRST),
        partial(holdings.lose, ONE, Cause.CRASHED, "signal 9", FIRST),
        partial(holdings.refuse, TWO, "a.task"),
        partial(holdings.set_mode, Mode.DRAINING),
        partial(holdings.keep, ()),
        holdings.reconnect,
    )
    for change in changes:
        holdings.changed.silence()
        change()
        assert holdings.changed.is_rung


def test_changes_are_gathered_until_few_jobs_wait(holdings: Holdings) -> None:
    def gathered() -> float:
        began = time.monotonic()
        holdings.gather(0.2)
        return time.monotonic() - began

    assert gathered() < 0.1
    holdings.receive(ONE, FIRST)
    assert gathered() >= 0.2
    taken = threading.Timer(0.05, holdings.accept, (ONE, 1, FIRST))
    taken.start()
    assert gathered() < 0.2
    taken.join()


def test_a_lost_run_is_told_with_its_cause_and_runs_no_longer(holdings: Holdings) -> None:
    holdings.accept(ONE, 4711, FIRST)

    holdings.lose(ONE, Cause.TIMED_OUT, "hard time limit", FIRST)

    assert read(holdings).lost == {ONE: ("timed_out", "hard time limit")}
    assert read(holdings).running == {}


def test_the_end_of_a_second_delivery_leaves_the_run_of_the_first(holdings: Holdings) -> None:
    holdings.receive(ONE, FIRST)
    holdings.accept(ONE, 101, FIRST)

    holdings.receive(ONE, SECOND)
    holdings.accept(ONE, 102, SECOND)
    assert read(holdings).running == {ONE: 101}

    holdings.end(ONE, SECOND)
    assert (read(holdings).held, read(holdings).running) == (frozenset(), {ONE: 101})


def test_the_loss_of_a_second_delivery_is_not_that_of_the_run(holdings: Holdings) -> None:
    holdings.accept(ONE, 101, FIRST)

    holdings.lose(ONE, Cause.CRASHED, "signal 9", SECOND)

    assert (read(holdings).lost, read(holdings).running) == ({}, {ONE: 101})


def test_a_delivery_that_comes_after_the_end_leaves_nothing(holdings: Holdings) -> None:
    holdings.accept(ONE, 101, FIRST)
    holdings.end(ONE, FIRST)

    holdings.receive(ONE, SECOND)
    holdings.accept(ONE, 102, SECOND)
    holdings.end(ONE, SECOND)

    assert (read(holdings).held, read(holdings).running) == (frozenset(), {})


def test_a_binding_is_known_while_it_is_held_or_runs(holdings: Holdings) -> None:
    assert not holdings.knows(ONE)
    holdings.receive(ONE, FIRST)
    assert holdings.knows(ONE)
    holdings.accept(ONE, 101, FIRST)
    assert holdings.knows(ONE)
    holdings.end(ONE, FIRST)
    assert not holdings.knows(ONE)


def test_what_was_lost_or_refused_is_forgotten_after_a_while(
    holdings: Holdings, monkeypatch: pytest.MonkeyPatch
) -> None:
    holdings.lose(ONE, Cause.CRASHED, "signal 9", FIRST)
    holdings.refuse(TWO, "a.task")
    assert set(read(holdings).lost) == {ONE}
    assert read(holdings).refused == {TWO: "a.task"}

    monkeypatch.setattr(module, "MEMORY", -1.0)

    assert (read(holdings).lost, read(holdings).refused) == ({}, {})


def test_what_the_agent_has_dealt_with_is_told_no_more_and_the_rest_follows(
    holdings: Holdings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOLD", 1)
    for key in (ONE, TWO):
        holdings.lose(key, Cause.CRASHED, "x" * 10_000, FIRST)
        holdings.refuse(key, "a.task")
    assert {*read(holdings).lost} == {*read(holdings).refused} == {ONE}
    assert len(read(holdings).lost[ONE][1]) == module.DETAIL

    holdings.changed.silence()
    holdings.settle([ONE])

    assert holdings.changed.is_rung
    assert {*read(holdings).lost} == {*read(holdings).refused} == {TWO}


def test_of_what_is_held_that_is_forgotten_which_the_pool_does_not_keep(
    holdings: Holdings,
) -> None:
    holdings.receive(ONE, FIRST)
    holdings.receive(("three", 1), SECOND)
    holdings.accept(TWO, 4711, FIRST)

    holdings.keep([SECOND])
    holdings.reconnect()

    seen = read(holdings)
    assert (seen.held, seen.running, seen.connections) == (
        frozenset({("three", 1)}),
        {TWO: 4711},
        1,
    )


def test_a_slot_is_idle_while_fewer_run_than_can(holdings: Holdings) -> None:
    holdings.accept(ONE, 1, FIRST)
    assert read(holdings).has_idle_slot

    holdings.accept(TWO, 2, FIRST)
    assert not read(holdings).has_idle_slot
