"""Preferences: what is read, how they add up, and that they only order who can run a job."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.exceptions import InvalidPreference
from offload.core.matching.preferences import INDIFFERENT, Preferences
from offload.core.matching.requirements import Requirements
from offload.core.placement.lanes import Lane
from offload.core.placement.routing import Need, Route, route
from tests.unit.core.placement.fleet import NOW, instance, loads, needs, topologies, topology

if TYPE_CHECKING:
    from offload.core.placement.topology import Topology

TOPIC = "dam/rendition/web"
WISH = st.one_of(
    st.sampled_from(["gpu", "cpu"]).map(lambda one: {"labels": [one]}),
    st.integers(0, 99).map(lambda one: {"ram_gb": {">=": one}}),
    st.just({"gpu": True}),
)
WEIGHTS = st.one_of(st.integers(-9, 9), st.floats(-9, 9).map(lambda one: round(one, 2)))
GIVEN = st.lists(st.tuples(WISH, WEIGHTS), max_size=4)


def preferring(*given: tuple[dict[str, Any], float]) -> Need:
    """Return the need of a job with these preferences."""
    return Need(topic="a/b", prefers=Preferences.of(given))


@given(GIVEN)
def test_a_lane_carries_them(pairs: list[Any]) -> None:
    lane = Lane(
        topic=TOPIC,
        needs="limit",
        requires=Requirements.of({"gpu": True}),
        prefers=Preferences.of(pairs),
    )

    assert Lane.parse(str(lane)) == lane
    assert " " not in lane.prefers.text
    assert Preferences.of(lane.prefers.given) == lane.prefers


def test_a_lane_without_them_is_as_it_was() -> None:
    assert str(Lane(topic=TOPIC, prefers=Preferences.of([]))) == f"default||{TOPIC}"


@pytest.mark.parametrize("word", ["prefers=", "prefers=[[1]]", "prefers=" + "[" * 90_000])
def test_a_word_that_cannot_be_read_stays_and_counts_for_nothing(word: str) -> None:
    lane = Lane.parse(f"default|{word}|{TOPIC}")

    assert not lane.prefers
    assert str(lane) == f"default|{word}|{TOPIC}"


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"gpu": 5}, "it is no list of pairs"),
        ("gpu", "it is no list of pairs"),
        (["gpu"], "it is no pair of a requirement and a weight"),
        ([({"gpu": True},)], "it is no pair"),
        ([({"gpu": True}, "5")], "'5' is no number"),
        ([({"gpu": True}, True)], "True is no number"),
        ([({"gpu": True}, float("nan"))], "nan is no number"),
        ([({"gpu": True}, 1_000_001)], "1000001 is no number from -1000000"),
        ([({}, 5)], "it asks for nothing"),
        ([({"gpu": {"=>": 1}}, 5)], "is no comparison"),
        ([("gpu", 5)], "is no object"),
        ([({"labels": ["x" * 250]}, 5)], "they take"),
    ],
)
def test_what_is_no_preference_is_refused(wrong: Any, problem: str) -> None:
    with pytest.raises(InvalidPreference, match=problem):
        Preferences.of(wrong)


def test_requirements_and_preferences_share_the_room_in_a_lane() -> None:
    long = [({"labels": ["x" * 150]}, 1)]
    beside = Requirements.of({"labels": ["y" * 150]})

    assert Preferences.of(long)
    with pytest.raises(InvalidPreference, match="with what is required, they take"):
        Preferences.of(long, beside=beside)


def test_weights_of_what_is_met_add_up() -> None:
    found = Preferences.of([({"gpu": True}, 5), ({"labels": ["a"]}, -2), ({"ram": {">": 9}}, 1)])

    assert found.score({"gpu": True, "ram": 8}, {"a"}) == 3
    assert found.score({"gpu": 1}, ()) == 0
    assert [str(one) for one in found.met({"gpu": True}, ())] == ["gpu == true (+5)"]


@given(GIVEN, GIVEN)
def test_merged_weights_add_up(one: list[Any], other: list[Any]) -> None:
    first, second = Preferences.of(one), Preferences.of(other)
    facts: tuple[Any, ...] = ({"gpu": True, "ram_gb": 50}, {"cpu"})

    merged = first.merged(second).score(*facts)

    assert merged == pytest.approx(first.score(*facts) + second.score(*facts))
    assert first.merged(INDIFFERENT) == first == INDIFFERENT.merged(first)


@given(needs(), topologies(), loads(), GIVEN)
def test_they_make_no_candidates_and_leave_no_job_waiting(
    need: Need, picture: Topology, load: dict[str, int], pairs: list[Any]
) -> None:
    plain = route(need, picture, load, now=NOW)

    chosen = route(replace(need, prefers=Preferences.of(pairs)), picture, load, now=NOW)

    assert isinstance(chosen, Route) is isinstance(plain, Route)
    if isinstance(chosen, Route) and isinstance(plain, Route):
        assert sorted(chosen.candidates) == sorted(plain.candidates)


def test_the_highest_score_comes_first_then_the_free_share() -> None:
    picture = topology(
        instance("a@x", labels=frozenset({"shared"})),
        instance("b@x", properties={"gpu": True}),
        instance("c@x", properties={"gpu": True}),
    )
    need = preferring(({"gpu": True}, 5), ({"labels": ["shared"]}, -2))

    found = route(need, picture, {"b@x": 1}, now=NOW)

    assert isinstance(found, Route)
    assert found.candidates == ("c@x", "b@x", "a@x")
    assert found.reasons[-1].endswith(": its score is 5, the greatest share of it is free.")
    full = route(need, picture, {"b@x": 4, "c@x": 4}, now=NOW)
    assert isinstance(full, Route)
    assert full.instance == "a@x"
