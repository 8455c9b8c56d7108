"""Requirements: what is read, what is met, and which of two is stricter."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.exceptions import InvalidRequirement
from offload.core.matching.requirements import NOTHING, UNREADABLE, Requirements
from offload.core.placement.judgement import Need, capable
from offload.core.placement.lanes import Lane
from offload.core.placement.reasons import Obstacle
from offload.core.placement.routing import Route, Unroutable, route
from offload.core.placement.topology import Mode
from tests.unit.core.placement.fleet import NOW, consumer, instance, topology

TOPIC = "dam/rendition/web"
STRONG = {"gpu": True, "ram_gb": 64, "model": "a100"}
NAMES = st.sampled_from(["gpu", "ram_gb", "model", "rack", "cpus"])
VALUES = st.one_of(st.booleans(), st.integers(-9, 99), st.sampled_from(["a100", "h 100", "|"]))
NUMBERS = st.one_of(st.integers(-9, 99), st.floats(-9, 99).map(lambda one: round(one, 2)))
COMPARED = st.one_of(
    VALUES,
    st.dictionaries(st.sampled_from([">=", "<=", ">", "<"]), NUMBERS, min_size=1, max_size=2),
    st.fixed_dictionaries({"in": st.lists(VALUES, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"!=": VALUES}),
)
GIVEN = st.dictionaries(NAMES, COMPARED, max_size=3)
LABELS = st.lists(st.sampled_from(["licensed", "east 1", "ü"]), max_size=2, unique=True)


@pytest.mark.parametrize(
    ("asked", "problems"),
    [
        ({}, ()),
        ({"gpu": True, "ram_gb": {">=": 64}, "labels": ["licensed"]}, ()),
        ({"model": {"in": ["a100", "h100"]}, "ram_gb": {">": 32, "<": 65}}, ()),
        ({"model": {"!=": "v100"}, "labels": "licensed"}, ()),
        ({"ram_gb": {">=": 128}}, ("ram_gb is 64, and must be >= 128",)),
        ({"gpu": 1}, ("gpu is true, and must be 1",)),
        ({"ram_gb": "64"}, ('ram_gb is 64, and must be "64"',)),
        ({"model": {">=": 1}}, ('model is "a100", and must be >= 1',)),
        ({"disk": {">=": 1}}, ("it has no property disk, which must be >= 1",)),
        ({"model": {"in": ["x", 1]}}, ('model is "a100", and must be in ["x", 1]',)),
        (
            {"gpu": False, "labels": ["licensed", "east"]},
            ("gpu is true, and must be false", "it has no label east"),
        ),
    ],
)
def test_every_constraint_that_fails_is_named(asked: dict[str, Any], problems: tuple[str]) -> None:
    assert Requirements.of(asked).problems(STRONG, {"licensed"}) == problems


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ([], "is no object"),
        ({"": 1}, "no name of a property"),
        ({"a b": 1}, "no name of a property"),
        ({"ram_gb": {"=>": 1}}, "'=>' is no comparison; there are ==, !=, >=, <=, >, <, in"),
        ({"ram_gb": {}}, "compares with nothing"),
        ({"ram_gb": {">=": "64"}}, ">= compares numbers, not '64'"),
        ({"ram_gb": {">=": True}}, ">= compares numbers, not True"),
        ({"ram_gb": None}, "not true, false, a finite number or a text"),
        ({"ram_gb": float("nan")}, "not true, false, a finite number or a text"),
        ({"ram_gb": [1, 2]}, "not true, false, a finite number or a text"),
        ({"ram_gb": {"in": []}}, "'in' takes a list of 1 to 16 values"),
        ({"ram_gb": {"in": 3}}, "'in' takes a list of 1 to 16 values"),
        ({"labels": [1]}, "write a list"),
        ({"labels": {"in": ["a"]}}, "write a list"),
        ({"model": "x" * 300}, "more than 240"),
        ({"model": "a\0"}, "not true, false, a finite number or a text"),
        ({"model": "\ud800"}, "not true, false, a finite number or a text"),
        ({"labels": ["\ud800"]}, "write a list"),
    ],
)
def test_what_cannot_be_compared_is_refused(asked: Any, problem: str) -> None:
    with pytest.raises(InvalidRequirement) as refused:
        Requirements.of(asked)
    assert problem in str(refused.value)
    assert "Write requires=" in str(refused.value)


@given(GIVEN, LABELS)
def test_a_lane_holds_them_without_a_change(asked: dict[str, Any], labels: list[str]) -> None:
    requires = Requirements.of({**asked, "labels": labels})

    lane = Lane(topic=TOPIC, needs="limit files", requires=requires)

    assert Lane.parse(str(lane)) == lane
    assert Requirements.of(requires.given) == requires
    assert lane.staying.requires == requires
    assert lane.need == Need(topic=TOPIC, limit=True, files=True, requires=requires)


@given(GIVEN, GIVEN, st.dictionaries(NAMES, VALUES))
def test_both_hold_where_they_are_merged(
    one: dict[str, Any], other: dict[str, Any], properties: dict[str, Any]
) -> None:
    first, second = Requirements.of(one), Requirements.of(other)

    merged = first.merged(second)

    apart = [*first.problems(properties, ()), *second.problems(properties, ())]
    assert bool(merged.problems(properties, ())) == bool(apart)


def test_of_two_bounds_the_stricter_is_shown() -> None:
    ours, theirs = Requirements.of({"ram_gb": {">=": 8}}), Requirements.of({"ram_gb": {">=": 64}})

    assert str(ours.merged(theirs)) == "ram_gb >= 64"
    assert ours.merged(NOTHING) == NOTHING.merged(ours) == ours


def test_true_and_one_are_different_requirements() -> None:
    assert Requirements.of({"gpu": True}) != Requirements.of({"gpu": 1})


@pytest.mark.parametrize("word", ["requires=", "requires=%7B", "requires=[]", 'requires={"a":{}}'])
def test_what_cannot_be_read_is_met_by_nobody(word: str) -> None:
    lane = Lane.parse(f"default|{word}|{TOPIC}")

    assert lane.requires == UNREADABLE
    assert UNREADABLE.problems(STRONG, {"licensed"})


def test_words_in_requirements_are_no_needs_of_the_pool() -> None:
    asked = Requirements.of({"home": "kill clone files limit"})
    need = Lane.parse(str(Lane(topic=TOPIC, requires=asked))).need

    assert need == Need(topic=TOPIC, requires=asked)


def test_the_job_and_its_consumer_are_obeyed_both() -> None:
    one = instance(properties={"gpu": True, "ram_gb": 32})
    strict = consumer(TOPIC, requires=Requirements.of({"ram_gb": {">=": 64}}))
    need = Need(topic=TOPIC, requires=Requirements.of({"gpu": True, "labels": ["licensed"]}))

    reason = capable(need, one, strict)

    assert reason is not None
    assert reason.obstacle is Obstacle.UNMET
    assert reason.detail == (
        f"{one.name} does not qualify: it has no label licensed; ram_gb is 32, and must be >= 64."
    )


def test_only_an_instance_that_has_it_is_chosen() -> None:
    weak, strong = instance("weak@1"), instance("strong@2", properties=STRONG)
    asked = Need(topic=TOPIC, requires=Requirements.of({"ram_gb": {">=": 64}}))

    found = route(asked, topology(weak, strong), {}, now=NOW)
    unmet = route(asked, topology(weak, version=2), {}, now=NOW)

    assert isinstance(found, Route)
    assert found.candidates == ("strong@2",)
    assert isinstance(unmet, Unroutable)
    assert unmet.is_unmet
    assert unmet.reason == f"No known instance has what a job of {TOPIC} requires."


def test_what_is_gone_but_had_it_is_unavailable_not_infeasible() -> None:
    gone = instance("strong@2", properties=STRONG, mode=Mode.GONE)
    asked = Need(topic=TOPIC, requires=Requirements.of({"gpu": True}))

    found = route(asked, topology(instance("weak@1"), gone), {}, now=NOW)

    assert isinstance(found, Unroutable)
    assert not found.is_unmet
    assert found.obstacles == {Obstacle.UNMET: 1, Obstacle.GONE: 1}


def test_a_property_that_nobody_has_is_named_with_the_nearest() -> None:
    asked = Requirements.of({"gpuss": {">=": 1}})

    assert asked.unknown([{"gpus": 1}]) == (
        "No known instance has a property gpuss. Did you mean 'gpus'?"
    )
    assert asked.unknown([{"gpuss": 0}]) == ""
