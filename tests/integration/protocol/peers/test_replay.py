"""Schedules of two clusters, replayed on the statements of two databases with the same outcome."""

from __future__ import annotations

from functools import cache
from itertools import combinations_with_replacement, islice
from typing import TYPE_CHECKING

import pytest

from tests.databases import taking_turns
from tests.integration.protocol.peers import acting, stage
from tests.integration.protocol.peers.schedules import Schedules
from tests.integration.protocol.peers.stage import Stage
from tests.unit.protocol.peers.faults import FAULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.integration.peers.travel.clusters import Link
    from tests.integration.protocol.peers.schedules import Act, Schedule
    from tests.unit.protocol.model import Key

#: Schedules that are taken of each fault, and in the long tests of each pair.
MOST, MOST_OF_PAIRS = 8, 6


def replay(link: Link, schedule: Schedule) -> None:
    """Take the steps of a schedule, and compare both ends after each that has a statement."""
    here = Stage(link)
    here.set_up()
    for number, act in enumerate(schedule, start=1):
        call = acting.call_of(act.step.what)
        try:
            call(here, act)
            if call is not acting.nothing:
                assert here.of_home() == stage.home_of(act.after)
                has_clone = act.after.peer.clone is not None
                assert here.of_peer(has_clone=has_clone) == stage.peer_of(act.after)
        except BaseException as error:
            error.add_note(told(schedule[:number]))
            raise


def told(schedule: Sequence[Act]) -> str:
    """Return the history, one line per step."""
    return "\n".join(f"{number}. {act}" for number, act in enumerate(schedule, start=1))


@cache
def schedules() -> tuple[dict[str, list[Schedule]], set[Key]]:
    """Return some schedules of each fault, and the situations that they meet."""
    met: set[Key] = set()
    return {one: list(islice(Schedules([one], met).found(), MOST)) for one in FAULTS}, met


# Seconds, of which a busy machine makes minutes.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
def test_the_statements_do_what_the_model_does(
    link: Link, database_alias: str, fault: str, every: bool
) -> None:
    for schedule in taking_turns(schedules()[0][fault], database_alias, every=every):
        replay(link, schedule)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_they_do_so_under_pairs_of_faults(link: Link) -> None:
    met = set(schedules()[1])
    for faults in combinations_with_replacement(FAULTS, 2):
        for schedule in islice(Schedules(faults, met).found(), MOST_OF_PAIRS):
            replay(link, schedule)
