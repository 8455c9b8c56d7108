"""A model of P15: a run that is one job in another cluster, until it has come home.

Home has the placeholder, the peer a clone and a run of two steps, and messages are lost, doubled
and late, while the link is cut and comes back, the process dies that stores the run, and somebody
stops it: every order, with two faults. Each rule is switched off once, and the model must then find
what goes wrong.
"""

from __future__ import annotations

from functools import lru_cache

import pytest

from tests.unit.protocol.exploring import explored
from tests.unit.protocol.whole.rules import Rules
from tests.unit.protocol.whole.steps import steps, tidy
from tests.unit.protocol.whole.world import World


@lru_cache
def explore(rules: Rules, count: int) -> tuple[set[World], set[World]]:
    """Return all worlds with so many faults, and those from which the end can be reached."""
    return explored(
        World(faults=count),
        lambda world: map(tidy, steps(world, rules)),
        lambda world: world.is_over,
        # Without more faults.
        lambda world, then: world.faults == then.faults,
    )


def faults(rules: Rules, count: int) -> set[str]:
    """Return what can go wrong."""
    seen, good = explore(rules, count)
    found = {one.wrong for one in seen} - {""}
    if any(one not in good and not one.wrong for one in seen):
        found.add("never ends")
    return found


def test_a_whole_run_comes_home_once_whatever_two_faults_there_are() -> None:
    seen, _ = explore(Rules(), 2)

    assert len(seen) > 20_000
    assert any(one.is_over and one.came_to == "done" and one.epoch > 1 for one in seen)
    assert faults(Rules(), 2) == set()


@pytest.mark.parametrize(
    ("rules", "count", "fault"),
    [
        (Rules(stored_once=False), 1, "a step begins for nobody"),
        (Rules(ends_both=False), 1, "never ends"),
        (Rules(stopped_first=False), 1, "a step begins after its stop"),
        (Rules(leased=False), 2, "a step begins after its stop"),
        (Rules(fenced=False), 1, "it ends twice"),
        (Rules(by_report=False), 1, "it ends twice"),
    ],
)
def test_without_each_rule_of_whole_runs_something_goes_wrong(
    rules: Rules, count: int, fault: str
) -> None:
    assert fault in faults(rules, count)
