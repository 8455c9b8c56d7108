"""The fast path keeps its promises in every schedule of two faults, and needs each of its rules."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest

from offload.core.states import JobState
from tests.unit.protocol.fast.fast_explorer import explore
from tests.unit.protocol.fast.fast_faults import FAULTS
from tests.unit.protocol.fast.fast_promises import FastBroken
from tests.unit.protocol.fast.fast_world import FastRules

if TYPE_CHECKING:
    from collections.abc import Sequence

ALL = FastRules()
ENDS = {JobState.SUCCEEDED, JobState.GIVEN_UP}

# The rule that is broken, the faults that then suffice, the promise that holds no more.
NEEDED: list[tuple[str, Sequence[str], FastBroken]] = [
    # The agent dies between its claim and its answer; the next one asks under another token.
    ("token_of_delivery", ["reply lost", "agent kill"], FastBroken.THROWN_AWAY),
    # A stop comes between a claim and its answer.
    ("grant_obeys_stop", ["reply lost", "stop"], FastBroken.GRANTED_TO_STOP),
    # A child begins what the agent has just given back.
    ("withdraws_first", ["stop"], FastBroken.BEGUN_AFTER_RETURN),
    # Admitted behind a long run, and nobody takes it back.
    ("withdraws", ["busy", "stop"], FastBroken.STUCK),
    ("begin_needs_lease", ["agent kill"], FastBroken.BEGUN_WITHOUT_LEASE),
    # The agent was away for so long that the job was moved; the next one renews the lease.
    ("begin_matches_incarnation", ["agent kill"], FastBroken.BEGUN_AFTER_RETURN),
    ("keeps_ends", ["agent kill"], FastBroken.END_LOST),
    ("rereads_ends", ["reply lost"], FastBroken.THROWN_AWAY),
    # The run was over; the process died with its report.
    ("unreported_is_no_crash", ["child kill"], FastBroken.FALSE_CRASH),
    # Claimed, and lost before it began.
    ("unknown_is_no_crash", ["drop"], FastBroken.FALSE_CRASH),
    ("reconcile", ["drop"], FastBroken.STUCK),
]


# Seconds of pure computing, of which a busy machine makes minutes.
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "faults", [[one] for one in FAULTS] + [pytest.param([*FAULTS, *FAULTS], marks=pytest.mark.long)]
)
def test_every_schedule_of_two_faults_keeps_every_promise(faults: Sequence[str]) -> None:
    found = explore(faults, ALL, at_most=2)

    assert not found.counterexamples, str(found)
    assert ENDS <= found.ends <= {*ENDS, JobState.STOPPED}


def test_without_a_fault_a_job_ends_by_its_own_outcome() -> None:
    assert explore([], ALL).ends == ENDS


@pytest.mark.parametrize(("off", "faults", "kind"), NEEDED)
def test_without_this_rule_a_promise_breaks(
    off: str, faults: Sequence[str], kind: FastBroken
) -> None:
    assert kind in explore(faults, replace(ALL, **{off: False}), until=kind).counterexamples


def test_every_rule_is_proved_to_be_needed() -> None:
    assert {off for off, _, _ in NEEDED} == {field.name for field in fields(FastRules)}


def test_a_counterexample_reads_as_a_schedule() -> None:
    found = explore(["stop"], replace(ALL, withdraws_first=False))

    assert found.counterexamples[FastBroken.BEGUN_AFTER_RETURN].splitlines() == [
        "1. A: the job is bound here",
        "2. A: epoch 1 is published",
        "3. A: the message of epoch 1 arrives",
        "4. A: epoch 1 is claimed and granted",
        "5. A: epoch 1 is admitted",
        "6. a stop is accepted",
        "7. A: epoch 1 is given back at once",
        "8. A: epoch 1 begins",
    ]
