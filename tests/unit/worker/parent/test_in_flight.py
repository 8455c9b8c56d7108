"""The state of a worker's parent, and the reports that its agent reads."""

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
from offload.worker.parent.in_flight import InFlight
from offload.worker.reports import Report
from tests.clocks import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.envelopes import Key

ONE: Key = ("one", 1)
TWO: Key = ("two", 4)
#: Two deliveries of one message.
FIRST, SECOND = object(), object()


@pytest.fixture
def in_flight() -> InFlight:
    """Return the empty state of a new worker."""
    return InFlight(concurrency=2)


def read(in_flight: InFlight) -> Report:
    """Return the report as the agent has it from the link."""
    return Report.read(json.loads(json.dumps(in_flight.report())))


def test_a_job_is_held_then_runs_then_is_forgotten(in_flight: InFlight) -> None:
    in_flight.receive(ONE, FIRST)
    assert read(in_flight).held == {ONE}

    in_flight.accept(ONE, 4711, FIRST)
    assert (read(in_flight).held, read(in_flight).running) == (frozenset(), {ONE: 4711})

    in_flight.end(ONE, FIRST)
    assert read(in_flight).running == {}


def test_every_change_wakes_who_tells_the_agent(in_flight: InFlight) -> None:
    changes: tuple[Callable[[], None], ...] = (
        partial(in_flight.receive, ONE, FIRST),
        partial(in_flight.accept, ONE, 1, FIRST),
        partial(in_flight.lose, ONE, Cause.CRASHED, "signal 9", FIRST),
        partial(in_flight.refuse, TWO, "a.task"),
        partial(in_flight.set_mode, Mode.DRAINING),
        partial(in_flight.keep, ()),
        in_flight.reconnect,
    )
    for change in changes:
        in_flight.changed.clear()
        change()
        assert in_flight.changed.is_set


def test_changes_are_gathered_until_few_jobs_wait(in_flight: InFlight) -> None:
    def gathered() -> float:
        began = time.monotonic()
        in_flight.gather(0.2)
        return time.monotonic() - began

    assert gathered() < 0.1
    in_flight.receive(ONE, FIRST)
    assert gathered() >= 0.2
    taken = threading.Timer(0.05, in_flight.accept, (ONE, 1, FIRST))
    taken.start()
    assert gathered() < 0.2
    taken.join()


def test_a_lost_run_is_told_with_its_cause_and_runs_no_longer(in_flight: InFlight) -> None:
    in_flight.accept(ONE, 4711, FIRST)

    in_flight.lose(ONE, Cause.TIMED_OUT, "hard time limit", FIRST)

    assert read(in_flight).lost == {ONE: ("timed_out", "hard time limit")}
    assert read(in_flight).running == {}


def test_the_end_of_a_second_delivery_leaves_the_run_of_the_first(in_flight: InFlight) -> None:
    in_flight.receive(ONE, FIRST)
    in_flight.accept(ONE, 101, FIRST)

    in_flight.receive(ONE, SECOND)
    in_flight.accept(ONE, 102, SECOND)
    assert read(in_flight).running == {ONE: 101}

    in_flight.end(ONE, SECOND)
    assert (read(in_flight).held, read(in_flight).running) == (frozenset(), {ONE: 101})


def test_the_loss_of_a_second_delivery_is_not_that_of_the_run(in_flight: InFlight) -> None:
    in_flight.accept(ONE, 101, FIRST)

    in_flight.lose(ONE, Cause.CRASHED, "signal 9", SECOND)

    assert (read(in_flight).lost, read(in_flight).running) == ({}, {ONE: 101})


def test_a_delivery_that_comes_after_the_end_leaves_nothing(in_flight: InFlight) -> None:
    in_flight.accept(ONE, 101, FIRST)
    in_flight.end(ONE, FIRST)

    in_flight.receive(ONE, SECOND)
    in_flight.accept(ONE, 102, SECOND)
    in_flight.end(ONE, SECOND)

    assert (read(in_flight).held, read(in_flight).running) == (frozenset(), {})


def test_a_binding_is_known_while_it_is_held_or_runs(in_flight: InFlight) -> None:
    assert not in_flight.knows(ONE)
    in_flight.receive(ONE, FIRST)
    assert in_flight.knows(ONE)
    in_flight.accept(ONE, 101, FIRST)
    assert in_flight.knows(ONE)
    in_flight.end(ONE, FIRST)
    assert not in_flight.knows(ONE)


def test_what_was_lost_or_refused_is_forgotten_after_a_while() -> None:
    clock = Clock()
    in_flight = InFlight(clock=clock)
    in_flight.lose(ONE, Cause.CRASHED, "signal 9", FIRST)
    in_flight.refuse(TWO, "a.task")
    assert set(read(in_flight).lost) == {ONE}
    assert read(in_flight).refused == {TWO: "a.task"}

    clock.go_on(module.TELL_AGAIN_SECONDS + 1)

    assert (read(in_flight).lost, read(in_flight).refused) == ({}, {})


def test_what_the_agent_has_dealt_with_is_told_no_more_and_the_rest_follows(
    in_flight: InFlight, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPORTED_RUNS_MAX", 1)
    for key in (ONE, TWO):
        in_flight.lose(key, Cause.CRASHED, "x" * 10_000, FIRST)
        in_flight.refuse(key, "a.task")
    assert {*read(in_flight).lost} == {*read(in_flight).refused} == {ONE}
    assert len(read(in_flight).lost[ONE][1]) == module.DETAIL_MAX

    in_flight.changed.clear()
    in_flight.settle([ONE])

    assert in_flight.changed.is_set
    assert {*read(in_flight).lost} == {*read(in_flight).refused} == {TWO}


def test_of_what_is_held_that_is_forgotten_which_the_pool_does_not_keep(
    in_flight: InFlight,
) -> None:
    in_flight.receive(ONE, FIRST)
    in_flight.receive(("three", 1), SECOND)
    in_flight.accept(TWO, 4711, FIRST)

    in_flight.keep([SECOND])
    in_flight.reconnect()

    seen = read(in_flight)
    assert (seen.held, seen.running, seen.connections) == (
        frozenset({("three", 1)}),
        {TWO: 4711},
        1,
    )


def test_a_slot_is_idle_while_fewer_run_than_can(in_flight: InFlight) -> None:
    in_flight.accept(ONE, 1, FIRST)
    assert read(in_flight).has_idle_slot

    in_flight.accept(TWO, 2, FIRST)
    assert not read(in_flight).has_idle_slot
