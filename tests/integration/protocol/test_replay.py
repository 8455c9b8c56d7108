"""Schedules of the protocol's model, replayed on the statements with the same outcome."""

from __future__ import annotations

from functools import cache
from itertools import combinations_with_replacement, islice
from typing import TYPE_CHECKING, TypeAlias

import pytest

from tests.databases import taking_turns
from tests.integration.protocol import dispatcher, mapping, running, steering
from tests.integration.protocol.schedules import Schedules
from tests.integration.protocol.stage import Stage
from tests.unit.protocol.faults import FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from celery import Celery

    from tests.integration.protocol.schedules import Act, Schedule
    from tests.unit.protocol.model import Key


Faults: TypeAlias = tuple[str, ...]

#: Pairs of faults: the first two have found what the code did otherwise.
PAIRS: list[Faults] = [
    ("reply lost", "stop"),
    ("forgery", "spoiled"),
    ("deny", "stop"),
]
#: Schedules that are taken of each pair, at most.
MOST = 20
SINGLE: list[Faults] = [(fault,) for fault in FAULTS]


def nothing(stage: Stage, act: Act) -> None:
    """Leave the tables alone: this happens in a broker or to a process."""


#: The action for each step of the model; a key stands for all steps whose text contains it.
CALLS: dict[str, Callable[[Stage, Act], None]] = {
    "the dispatcher binds the job here": dispatcher.bind_,
    "the dispatcher publishes": dispatcher.publish,
    "the dispatcher recalls the job": dispatcher.recall,
    "a write is refused: stale": running.is_stale,
    "the attempt knows its token": running.recognises,
    "the attempt ends at once: it shall stop": running.obeys,
    "is claimed and runs": running.claim,
    "the claim is committed": running.claim,
    "finishes: ": running.end,
    "the finish is committed": running.end,
    "fails before its claim": running.fails_unstarted,
    "reconciles: ": running.reconcile,
    "concludes the job": running.conclude,
    "is declared gone": steering.declare_gone,
    "the leader moves the job": steering.move,
    "a stop is accepted": steering.stop,
    "a rule that denies the job here is committed": steering.deny,
    "the rule that denies the job here is cleared": steering.clear,
    "the job is sent again under its id": steering.again,
    "boots": steering.boot,
    "finds itself gone": steering.come_back,
    "the database is away": steering.lose_database,
    "the database is back": nothing,
    " arrives": nothing,
    " is doubled": nothing,
    " is forged": nothing,
    "the broker loses its messages": nothing,
    "no delivery can be begun any more": nothing,
    "the parent process drops a request": nothing,
    "the pool child that is": nothing,
    "the lease expires, the run is ended": nothing,
    "is paused": nothing,
    "continues": nothing,
    "is killed": nothing,
}


def replay(app: Celery, schedule: Schedule) -> None:
    """Take the steps of a schedule, and compare both sides after each that has a statement."""
    stage = Stage(app)
    stage.set_up()
    for number, act in enumerate(schedule, start=1):
        call = next(call for said, call in CALLS.items() if said in act.step.what)
        try:
            call(stage, act)
            if call is not nothing:
                assert stage.picture(act.after) == mapping.of_model(act.after)
        except BaseException as error:
            error.add_note(told(schedule[:number]))
            raise
    assert schedule[-1].after.job.settled


def told(schedule: Sequence[Act]) -> str:
    """Return the history, one line per step."""
    return "\n".join(f"{number}. {act}" for number, act in enumerate(schedule, start=1))


@cache
def schedules() -> tuple[dict[Faults, list[Schedule]], set[Key]]:
    """Return the schedules of each fault and of some pairs, and the situations that they meet.

    What one of them meets is left out of the next.
    """
    met: set[Key] = set()
    single = {faults: list(Schedules(faults, met).found()) for faults in SINGLE}
    return single | {pair: list(islice(Schedules(pair, met).found(), MOST)) for pair in PAIRS}, met


# Seconds, of which a busy machine makes minutes.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("faults", [*SINGLE, *PAIRS], ids=" and ".join)
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
def test_the_statements_do_what_the_model_does(
    app: Celery, database_alias: str, faults: Faults, every: bool
) -> None:
    for schedule in taking_turns(schedules()[0][faults], database_alias, every=every):
        replay(app, schedule)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_they_do_so_under_every_other_pair_of_faults(app: Celery) -> None:
    met = set(schedules()[1])
    for faults in combinations_with_replacement(FAULTS, 2):
        for schedule in Schedules(faults, met).found():
            replay(app, schedule)


def test_every_step_of_the_model_has_a_call() -> None:
    found = [act.step.what for several in schedules()[0].values() for one in several for act in one]

    assert [what for what in found if not any(said in what for said in CALLS)] == []
    assert [said for said in CALLS if not any(said in what for what in found)] == []
