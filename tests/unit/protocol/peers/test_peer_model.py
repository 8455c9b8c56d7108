"""Two clusters keep their promises in every schedule of two faults, and need each rule."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest

from offload.core.states import JobState
from tests.unit.protocol.peers.explorer import explore, system
from tests.unit.protocol.peers.faults import FAULTS
from tests.unit.protocol.peers.model import World
from tests.unit.protocol.peers.promises import PeerBroken
from tests.unit.protocol.peers.rules import PeerRules
from tests.unit.protocol.search import Left, with_fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.unit.protocol.model import Key

ALL = PeerRules()

# The rule that is broken, the faults that then suffice, the promise that holds no more.
NEEDED: list[tuple[str, Sequence[str], PeerBroken]] = [
    # Bound, and the process that was to send the envelope is dead.
    ("bind_writes_outbox", ["leader killed"], PeerBroken.STUCK),
    # Bound twice inside the peer, the clone reports another epoch than home's.
    ("clone_keeps_home_epoch", [], PeerBroken.STUCK),
    # What ran in silence reports, while the job is bound there again.
    ("report_matches_epoch", ["cut"], PeerBroken.STALE_WRITE),
    # What ran in silence reports, while the job waits under the same epoch.
    ("report_matches_place", ["cut"], PeerBroken.STALE_WRITE),
    ("report_matches_place", ["cut"], PeerBroken.ILLEGAL_CHANGE),
    # The same, when the job was stopped in silence.
    ("report_matches_place", ["peer paused", "stop"], PeerBroken.SECOND_FINISH),
    ("report_in_transaction", ["peer killed"], PeerBroken.STUCK),
    ("report_waits_for_verdict", ["lost"], PeerBroken.STUCK),
    # The verdict on the beginning deletes the report of the end.
    ("verdict_matches_number", [], PeerBroken.STUCK),
    # The verdict was lost, and its report is never answered again.
    ("known_is_answered", ["lost"], PeerBroken.REST),
    # Asked again, home calls the result stale that it has.
    ("known_is_accepted", ["doubled"], PeerBroken.FALSE_VERDICT),
    ("unknown_is_answered", ["lost", "purge"], PeerBroken.REST),
    # The end is reported in the place of the beginning, and home does not understand it.
    ("report_tells_all", [], PeerBroken.STUCK),
    # The envelope comes again after it was refused, and is taken.
    ("refusal_closes", ["doubled"], PeerBroken.TWO_AT_ONCE),
    # The withdrawal overtakes the envelope.
    ("withdrawal_closes", ["recall"], PeerBroken.TWO_AT_ONCE),
    # The envelope comes again after the clone is gone.
    ("end_closes", ["doubled"], PeerBroken.STARTED_AFTER_END),
    ("memory_outlives_messages", ["doubled", "forget"], PeerBroken.STARTED_AFTER_END),
    ("takes_at_rest", ["cut"], PeerBroken.TWO_IN_ONE_CLUSTER),
    # Home says STOPPED of what it believes to wait; the clone begins.
    ("stop_waits_for_peer", ["stop"], PeerBroken.STARTED_AFTER_END),
    ("withdrawal_is_repeated", ["cut", "lost"], PeerBroken.TWO_AT_ONCE),
    ("withdrawal_is_acknowledged", ["cut", "lost"], PeerBroken.REST),
    # The answer to an older withdrawal ends a newer one, which the peer never sees.
    ("acknowledgement_matches", ["cut", "old picture"], PeerBroken.TWO_AT_ONCE),
    # Cut off, the peer begins what home has moved.
    ("claim_needs_lease", ["cut"], PeerBroken.TWO_AT_ONCE),
    ("claim_needs_lease", ["peer paused"], PeerBroken.STARTED_AFTER_END),
    ("lease_ends_limited", ["cut"], PeerBroken.TWO_AT_ONCE),
    # Bound to the peer by a picture from before its silence.
    ("move_asks_rows", ["cut", "old picture"], PeerBroken.STUCK),
    # Back in touch, the peer begins what home has moved meanwhile.
    ("move_withdraws", ["cut"], PeerBroken.TWO_AT_ONCE),
    ("lease_waits_for_withdrawals", ["cut"], PeerBroken.TWO_AT_ONCE),
    # Home loses the peer, and the third cluster hears the peer well.
    ("clone_stays", ["cut"], PeerBroken.TWO_AT_ONCE),
    ("begin_waits_for_inputs", [], PeerBroken.WITHOUT_INPUTS),
    # The withdrawal came while the inputs were fetched, and they are stored for nobody.
    ("fetched_is_fenced", ["recall"], PeerBroken.REST),
    ("carrying_is_taken_over", ["peer killed"], PeerBroken.STUCK),
    ("verdict_waits_for_outputs", [], PeerBroken.WITHOUT_OUTPUTS),
    ("lacking_is_asked_for_again", ["lost"], PeerBroken.STUCK),
    # Home deletes the content before it is copied, and never asks for the outputs.
    ("held_may_be_gone", [], PeerBroken.STUCK),
    # Outputs of a run that was moved come when the job is bound there again, and pass for those
    # of the next run.
    ("outputs_are_kept_by_epoch", ["cut"], PeerBroken.OTHER_OUTPUTS),
    # The outputs came, and the job was moved before home heard of it.
    ("vain_is_removed", ["cut"], PeerBroken.REST),
]

#: What only a job of a limited queue shows.
OF_LIMITED = {"lease_ends_limited"}
#: What only a job with files shows.
OF_FILES = {
    "begin_waits_for_inputs",
    "fetched_is_fenced",
    "carrying_is_taken_over",
    "verdict_waits_for_outputs",
    "lacking_is_asked_for_again",
    "held_may_be_gone",
    "outputs_are_kept_by_epoch",
    "vain_is_removed",
}

#: Faults that lead to few states.
SMALL = ["doubled", "lost", "leader killed", "stop", "purge", "forget"]
#: Pairs that meet the most rules at once.
SOME_PAIRS = [("stop", "lost"), ("stop", "doubled"), ("recall", "lost"), ("lost", "doubled")]
SOME_PAIRS += [("cut", "stop")]


@pytest.mark.parametrize("files", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
def test_every_schedule_of_one_fault_keeps_every_promise(fault: str, *, files: bool) -> None:
    found = explore([fault], ALL, files=files)

    assert not found.counterexamples, str(found)
    assert {JobState.SUCCEEDED, JobState.GIVEN_UP} <= found.ends


@pytest.mark.parametrize("files", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.parametrize("fault", SMALL)
def test_what_is_sent_again_too_soon_breaks_no_promise(fault: str, *, files: bool) -> None:
    found = explore([fault], ALL, hasty=True, files=files)

    assert not found.counterexamples, str(found)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("files", [False, True])
@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - SMALL))
def test_nor_does_it_with_the_other_faults(fault: str, *, files: bool) -> None:
    found = explore([fault], ALL, hasty=True, files=files)

    assert not found.counterexamples, str(found)


@pytest.mark.parametrize("files", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.parametrize("pair", SOME_PAIRS, ids=" and ".join)
def test_these_pairs_of_faults_keep_every_promise(pair: tuple[str, str], *, files: bool) -> None:
    found = explore(pair, ALL, files=files)

    assert not found.counterexamples, str(found)


# Minutes of pure computing.
@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("job", [{}, {"limited": True}, {"files": True}], ids=str)
def test_every_schedule_of_two_faults_keeps_every_promise(job: dict[str, Any]) -> None:
    found = explore([*FAULTS, *FAULTS], ALL, at_most=2, **job)

    assert not found.counterexamples, str(found)
    assert found.ends == {JobState.SUCCEEDED, JobState.GIVEN_UP, JobState.STOPPED}


def test_without_a_fault_a_job_ends_by_its_own_outcome() -> None:
    assert explore([], ALL).ends == {JobState.SUCCEEDED, JobState.GIVEN_UP}


@pytest.mark.parametrize(("off", "faults", "kind"), NEEDED)
def test_without_this_rule_a_promise_breaks(
    off: str, faults: Sequence[str], kind: PeerBroken
) -> None:
    rules = replace(ALL, **{off: False})
    limited, files = off in OF_LIMITED, off in OF_FILES
    found = explore(faults, rules, limited=limited, files=files, until=kind)

    assert kind in found.counterexamples


def test_every_rule_is_proved_to_be_needed() -> None:
    assert {off for off, _, _ in NEEDED} == {field.name for field in fields(PeerRules)}


def test_every_promise_is_proved_to_be_breakable() -> None:
    assert {kind for _, _, kind in NEEDED} == set(PeerBroken)


@pytest.mark.parametrize("fault", [*SMALL, "cut"])
@pytest.mark.parametrize("files", [pytest.param(False, marks=pytest.mark.long), True])
def test_worlds_with_one_key_have_one_future(fault: str, *, files: bool) -> None:
    futures: dict[tuple[Key, Left], frozenset[tuple[Key, Left]]] = {}
    open_: list[tuple[World, Left]] = [(World(files=files), (1, (fault,)))]
    while open_:
        world, left = open_.pop()
        after = list(_after(world, left))
        future = frozenset((next_.key(), rest) for next_, rest in after)
        if (world.key(), left) not in futures:
            open_.extend(after)
        assert futures.setdefault((world.key(), left), future) == future


def test_a_stop_that_overtakes_its_job_is_a_counterexample() -> None:
    rules = replace(ALL, withdrawal_closes=False)
    found = explore(["stop"], rules, until=PeerBroken.STARTED_AFTER_END)

    assert found.counterexamples[PeerBroken.STARTED_AFTER_END].splitlines() == [
        "1. home binds the job to the peer, epoch 1",
        "2. home sends the envelope of epoch 1",
        "3. a stop is requested of what the peer holds",
        "4. home sends the withdrawal of epoch 1",
        "5. the peer gets the withdrawal of epoch 1",
        "6. home gets the acknowledgement of epoch 1",
        "7. the peer takes the envelope of epoch 1",
        "8. the clone of epoch 1 is claimed and runs",
    ]


def test_a_peer_that_hears_again_before_it_was_told_is_a_counterexample() -> None:
    rules = replace(ALL, lease_waits_for_withdrawals=False)
    found = explore(["cut"], rules, until=PeerBroken.TWO_AT_ONCE)

    assert found.counterexamples[PeerBroken.TWO_AT_ONCE].splitlines() == [
        "1. home binds the job to the peer, epoch 1",
        "2. home sends the envelope of epoch 1",
        "3. the peer takes the envelope of epoch 1",
        "4. home does not reach the broker any more",
        "5. home declares the peer silent",
        "6. home moves the job from the silent peer",
        "7. home binds the job in its own cluster, epoch 2",
        "8. home runs epoch 2 itself",
        "9. home reaches the broker again",
        "10. home hears the peer again, which has a lease from now",
        "11. the clone of epoch 1 is claimed and runs",
    ]


def _after(world: World, left: Left) -> Iterator[tuple[World, Left]]:
    model = system(ALL, World())
    for _, after in model.steps(world):
        yield after, left
    for _, after, rest in with_fault(model.faults, world, left):
        yield after, rest
