"""The list of duties: every one that a room declares is on it, each at its own pace."""

from __future__ import annotations

import ast
import inspect

import pytest

from offload.fleet.duties import Duty
from offload.worker.agent.duties import new_duties
from tests.unit.house.source import files, tree

DUTIES = new_duties(with_peers=True)
#: Those that judge for others, or speak for the cluster (A8).
JUDGING = {
    "move",
    "expire",
    "recall",
    "limit",
    "resources",
    "reserve",
    "end switches",
    "end rules",
    "forget instances",
    "announce to peers",
    "observe peers",
    "move from silent peers",
    "recall from peers",
}
#: The rows that people wait for; what only mends is asked for less often.
AT_EVERY_SWEEP = {"bind", "conclude", "send to peers"}


def declared() -> list[str]:
    """Return the names of the duties that the rooms declare."""
    return [
        ast.literal_eval(word.value)
        for path in files().values()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Duty"
        for word in node.keywords
        if word.arg == "name"
    ]


def test_whatever_a_room_declares_is_done() -> None:
    names = [duty.name for duty in DUTIES]
    assert sorted(names) == sorted(declared())
    assert len(set(names)) == len(names) > 8


@pytest.mark.parametrize("duty", DUTIES, ids=lambda duty: duty.name)
def test_a_duty_takes_the_term_if_it_judges_for_others(duty: Duty) -> None:
    """Those that judge for others are named in the protocol (A8)."""
    assert list(inspect.signature(duty.do).parameters) == (["term"] if duty.needs_term else [])
    assert duty.needs_term == (duty.name in JUDGING)


def test_what_nobody_waits_for_is_not_done_at_every_sweep() -> None:
    assert {duty.name for duty in DUTIES if not duty.every} == AT_EVERY_SWEEP


def test_a_duty_is_due_in_its_time_or_after_a_full_batch() -> None:
    purge = Duty(name="purge", do=lambda: 0, every=5, batch=500)

    assert not purge.is_due(age=4.9, count=499)
    assert purge.is_due(age=5, count=0)
    assert purge.is_due(age=0.5, count=500)


def test_a_duty_without_a_pace_is_due_at_every_sweep() -> None:
    assert Duty(name="bind", do=lambda: 0).is_due(age=0, count=0)
