from __future__ import annotations

import pytest

from offload.core.states import (
    FINAL,
    QUERY_TYPES,
    TRANSITIONS,
    UNSTARTED,
    Hold,
    JobState,
    Waiting,
    allowed,
    celery_state,
)

S = JobState

# old: the states it may go to.
LEGAL = {
    S.PENDING: {
        S.QUEUED,
        S.SUCCEEDED,
        S.STOPPED,
        S.GIVEN_UP,
        S.ERROR,
        S.DROPPED,
        S.EXPIRED,
    },
    S.QUEUED: {S.PENDING, S.ACTIVE, S.STOPPED, S.ERROR, S.DROPPED, S.EXPIRED},
    S.ACTIVE: {S.PENDING, S.SUCCEEDED, S.STOPPED, S.GIVEN_UP, S.ERROR, S.DROPPED},
}


@pytest.mark.parametrize("old", JobState)
@pytest.mark.parametrize("new", JobState)
def test_the_transition_table_is_this_one(old: JobState, new: JobState) -> None:
    assert allowed(old, new) is (new in LEGAL.get(old, set()))


def test_final_is_final() -> None:
    assert all(TRANSITIONS[state] == frozenset() for state in FINAL)
    assert {state for state in JobState if state.is_final} == FINAL


def test_every_state_is_waiting_active_or_final() -> None:
    assert {S.PENDING, S.QUEUED} == UNSTARTED
    assert UNSTARTED | {S.ACTIVE} | FINAL == set(JobState)
    assert not UNSTARTED & FINAL


@pytest.mark.parametrize(
    ("state", "attempts", "tracks_started", "expected"),
    [
        (S.PENDING, 0, True, "PENDING"),
        (S.PENDING, 1, True, "RETRY"),
        (S.QUEUED, 0, True, "PENDING"),
        (S.QUEUED, 2, True, "RETRY"),
        (S.ACTIVE, 1, True, "STARTED"),
        # The running attempt is counted, so the first one has none before it.
        (S.ACTIVE, 1, False, "PENDING"),
        (S.ACTIVE, 2, False, "RETRY"),
        (S.SUCCEEDED, 1, True, "SUCCESS"),
        (S.STOPPED, 0, True, "REVOKED"),
        (S.GIVEN_UP, 3, True, "FAILURE"),
        (S.ERROR, 0, False, "FAILURE"),
        (S.DROPPED, 0, True, "REVOKED"),
        (S.EXPIRED, 0, True, "REVOKED"),
    ],
)
def test_celery_shows_the_state_of_the_table(
    state: JobState, attempts: int, tracks_started: bool, expected: str
) -> None:
    assert celery_state(state, attempts=attempts, tracks_started=tracks_started) == expected


@pytest.mark.parametrize(
    ("state", "types"),
    [
        (S.PENDING, {"ALL", "QUEUED"}),
        (S.QUEUED, {"ALL", "QUEUED"}),
        (S.ACTIVE, {"ALL", "ACTIVE"}),
        (S.SUCCEEDED, {"HISTORY", "SUCCEEDED"}),
        (S.STOPPED, {"HISTORY", "CANCELLED", "STOPPED"}),
        (S.GIVEN_UP, {"HISTORY", "FAILED", "CANCELLED", "GIVEN_UP"}),
        (S.ERROR, {"HISTORY", "FAILED", "CANCELLED", "ERROR"}),
        (S.DROPPED, {"HISTORY", "CANCELLED", "DROPPED"}),
        (S.EXPIRED, {"HISTORY", "FAILED", "CANCELLED", "EXPIRED"}),
    ],
)
def test_a_state_is_found_by_the_query_types_of_the_table(state: JobState, types: set[str]) -> None:
    assert {name for name, states in QUERY_TYPES.items() if state in states} == types


def test_every_way_of_waiting_has_its_own_sentence() -> None:
    assert len({why.sentence for why in Waiting}) == len(Waiting)
    assert all(why.sentence.endswith(".") for why in Waiting)
    assert Waiting("not_due") is Waiting.NOT_DUE


def test_no_hold_is_false() -> None:
    assert [bool(hold) for hold in (Hold.NONE, Hold.DEPENDENCY, Hold.REPLACED)] == [
        False,
        True,
        True,
    ]
