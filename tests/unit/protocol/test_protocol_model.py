"""The protocol keeps its promises in every schedule of two faults, and needs each of its rules."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest

from offload.core.states import JobState
from tests.unit.protocol.explorer import explore, go_wrong
from tests.unit.protocol.faults import FAULTS
from tests.unit.protocol.model import Job, Key, World
from tests.unit.protocol.promises import Broken
from tests.unit.protocol.rules import Rules
from tests.unit.protocol.steps import steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.unit.protocol.search import Left

ALL = Rules()
#: It does not run again by itself after a run that was lost.
ONCE = World(job=Job(reruns=False))

# The rules that are broken, the faults that then suffice, the promise that holds no more.
NEEDED: list[tuple[str, Sequence[str], Broken]] = [
    # A message for the old incarnation is claimed by the new one; the move then ends a good run.
    ("register_moves claim_matches_place", ["kill"], Broken.HEALTHY_MOVED),
    # A job of the old incarnation is moved later, although its run is good.
    ("register_moves", ["pause"], Broken.HEALTHY_MOVED),
    # The same from the other side: the binding itself names an incarnation of yesterday.
    ("bind_reads_incarnation claim_matches_place", [], Broken.HEALTHY_MOVED),
    # A message of an earlier binding is claimed elsewhere, where nobody reconciles it.
    ("bind_raises_epoch claim_matches_place", [], Broken.HEALTHY_MOVED),
    ("bind_raises_epoch", ["pause"], Broken.TWO_AT_ONCE),
    ("claim_matches_epoch", [], Broken.STALE_WRITE),
    # The same by a message that somebody else wrote, who knows id and epoch.
    ("claim_matches_place", ["forgery"], Broken.HEALTHY_MOVED),
    # Each delivery fails before its claim, and nobody counts.
    ("counts_unstarted", ["spoiled"], Broken.STUCK),
    # Chosen before the rule, bound after it.
    ("bind_matches_version", ["deny"], Broken.STARTED_WHERE_DENIED),
    # Bound before the rule, begun after it.
    ("rule_recalls", ["deny"], Broken.STARTED_WHERE_DENIED),
    # Seen by neither: the binding does not see the rule, nor the recall of the rule the binding.
    ("rule_waits_for_bindings", ["deny"], Broken.STARTED_WHERE_DENIED),
    # Continued after a pause, an instance begins before it knows that it was declared gone.
    ("claim_needs_lease", ["pause"], Broken.STARTED_WITHOUT_LEASE),
    # A second message of the binding is refused its claim; by its end the run is forgotten.
    ("arrival_drops_twins", ["duplicate"], Broken.HEALTHY_MOVED),
    ("republish recall", ["broker loss"], Broken.STUCK),
    # The answer to a claim or a finish is lost.
    ("reread", ["reply lost"], Broken.THROWN_AWAY),
    ("reread reconcile", ["reply lost"], Broken.STUCK),
    ("reread_obeys_stop", ["reply lost", "stop"], Broken.STARTED_AFTER_STOP),
    # Moved while it was paused, a run comes back and finishes.
    ("finish_matches_attempt", ["pause"], Broken.STALE_WRITE),
    ("finish_needs_active", ["reply lost"], Broken.SECOND_FINISH),
    ("finish_needs_active", ["reply lost"], Broken.ILLEGAL_CHANGE),
    # The second crash gives the job up; the run that comes back takes that end for its own.
    ("lost_clears_token", ["pause", "kill"], Broken.FALSE_FINISH),
    # ACTIVE, and nobody runs it, on an instance that is well.
    ("reconcile", ["child kill"], Broken.STUCK),
    ("reconcile", ["database out"], Broken.STUCK),
    ("others_set_due", ["stop"], Broken.STUCK),
    ("conclude_compares", [], Broken.SECOND_RESULT),
    ("claim_refuses_stop stop_ends_waiting", ["stop"], Broken.STARTED_AFTER_STOP),
    ("claim_refuses_stop requeue_yields_stopped", ["stop"], Broken.STARTED_AFTER_STOP),
    ("requeue_yields_stopped", ["stop"], Broken.STUCK),
    # The instance of a run is lost, and the job may not run again by itself.
    ("lost_is_over", ["kill"], Broken.STARTED_AGAIN),
    # A run of the old job that was paused has the binding of the new one, and both run.
    ("again_keeps_epoch", ["pause", "again"], Broken.TWO_AT_ONCE),
    # Bound by an old picture to an instance that is declared gone already.
    ("move_asks_rows recall", ["kill"], Broken.STUCK),
]

# Rules of which two guard the same door: without one, the other one holds.
DOUBLED: list[tuple[str, Sequence[str]]] = [
    ("republish", ["kill", "broker loss"]),
    ("recall", ["kill", "broker loss"]),
    ("register_moves", ["kill", "stop"]),
    ("bind_reads_incarnation", ["kill", "pause"]),
    ("move_asks_rows", ["kill", "broker loss"]),
    ("claim_refuses_stop", ["kill", "stop"]),
    ("stop_ends_waiting", ["kill", "stop"]),
]


# Seconds of pure computing, of which a busy machine makes minutes.
@pytest.mark.timeout(600)
def test_every_schedule_of_two_faults_keeps_every_promise() -> None:
    found = explore([*FAULTS, *FAULTS], ALL, at_most=2)

    assert not found.counterexamples, str(found)
    assert found.ends == {JobState.SUCCEEDED, JobState.GIVEN_UP, JobState.STOPPED}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_job_that_must_not_run_again_keeps_every_promise(fault: str) -> None:
    found = explore([fault], ALL, start=ONCE)

    assert not found.counterexamples, str(found)


def test_without_a_fault_a_job_ends_by_its_own_outcome() -> None:
    assert explore([], ALL).ends == {JobState.SUCCEEDED, JobState.GIVEN_UP}


@pytest.mark.parametrize(("off", "faults", "kind"), NEEDED)
def test_without_this_rule_a_promise_breaks(off: str, faults: Sequence[str], kind: Broken) -> None:
    start = ONCE if kind is Broken.STARTED_AGAIN else World()

    assert kind in explore(faults, _without(off), start=start, until=kind).counterexamples


@pytest.mark.parametrize(("off", "faults"), DOUBLED)
def test_of_two_rules_for_one_door_one_is_enough(off: str, faults: Sequence[str]) -> None:
    found = explore(faults, _without(off))

    assert not found.counterexamples, str(found)


def test_every_rule_is_proved_to_be_needed() -> None:
    proved = {name for off, _, _ in NEEDED for name in off.split()}

    assert proved == {field.name for field in fields(Rules)}


def test_every_promise_is_proved_to_be_breakable() -> None:
    assert {kind for _, _, kind in NEEDED} == set(Broken)


def test_a_counterexample_reads_as_a_schedule() -> None:
    found = explore(["child kill"], _without("reconcile"))

    assert found.counterexamples[Broken.STUCK].splitlines() == [
        "1. A: the dispatcher binds the job here, epoch 1",
        "2. A: the dispatcher publishes epoch 1",
        "3. A: the message of epoch 1 arrives",
        "4. A: epoch 1 is claimed and runs",
        "5. A: the pool child that is running is killed",
    ]


def test_a_binding_and_a_rule_that_do_not_see_each_other_are_a_counterexample() -> None:
    found = explore(["deny"], _without("rule_waits_for_bindings"))

    assert found.counterexamples[Broken.STARTED_WHERE_DENIED].splitlines() == [
        "1. A: a rule that denies the job here is committed, while the job is being bound here",
        "2. A: the dispatcher binds the job here, epoch 1",
        "3. A: the dispatcher publishes epoch 1",
        "4. A: the message of epoch 1 arrives",
        "5. A: epoch 1 is claimed and runs",
    ]


@pytest.mark.parametrize("fault", FAULTS)
def test_worlds_with_one_key_have_one_future(fault: str) -> None:
    futures: dict[tuple[Key, Left], frozenset[tuple[Key, Left]]] = {}
    open_: list[tuple[World, Left]] = [(World(), (1, (fault,)))]
    while open_:
        world, left = open_.pop()
        after = list(_after(world, left))
        future = frozenset((next_.key(), rest) for next_, rest in after)
        if (world.key(), left) not in futures:
            open_.extend(after)
        assert futures.setdefault((world.key(), left), future) == future


def _without(off: str) -> Rules:
    return replace(ALL, **dict.fromkeys(off.split(), False))


def _after(world: World, left: Left) -> Iterator[tuple[World, Left]]:
    for _, after in steps(world, ALL):
        yield after, left
    for (_, after), rest in go_wrong(world, left, ALL):
        yield after, rest
