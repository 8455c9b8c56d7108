from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.exceptions import InvalidProperties
from offload.core.validation.job_properties import DEPTH_MAX, check_properties

TEXT = st.text(max_size=8).map(lambda text: text.replace("\0", ""))
LEAVES = st.none() | st.booleans() | st.integers(-(2**64), 2**64) | TEXT
JSON = st.recursive(
    LEAVES | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


class Size(IntEnum):
    LARGE = 3


class Colour(StrEnum):
    RED = "red"


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def cycle() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["a"] = value
    return value


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_json_comes_back_equal_and_is_a_copy(value: dict[str, object]) -> None:
    checked = check_properties(value, 10**9)

    assert checked == value
    assert checked is not value
    assert json.loads(json.dumps(checked, allow_nan=False)) == value


def test_a_later_change_of_what_was_passed_changes_nothing() -> None:
    given_: dict[str, list[int]] = {"sizes": [48]}
    checked = check_properties(given_, 100)
    given_["sizes"].append(140)

    assert checked == {"sizes": [48]}


def test_what_json_writes_the_same_way_becomes_plain() -> None:
    checked = check_properties({Colour.RED: (Size.LARGE, Colour.RED)}, 100)

    assert checked == {"red": [3, "red"]}
    assert [type(one) for one in (*checked, *checked["red"])] == [str, int, str]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("value", "path", "problem"),
    [
        (None, "properties", "of type NoneType, not an object"),
        ([1], "properties", "of type list, not an object"),
        ("{}", "properties", "of type str, not an object"),
        ({"a": {"b": [0, float("nan")]}}, "properties.a.b[1]", "is nan"),
        ({"a": float("inf")}, "properties.a", "is inf"),
        ({"a": -float("inf")}, "properties.a", "is -inf"),
        ({"a": {1: "x"}}, "properties.a", "has the key 1, which is not text"),
        ({None: 1}, "properties", "has the key None"),
        ({"a": b"x"}, "properties.a", "of type bytes"),
        ({"a": {1, 2}}, "properties.a", "of type set"),
        ({"a": datetime(2025, 1, 1, tzinfo=UTC)}, "properties.a", "of type datetime"),
        ({"a": (0, Decimal(1))}, "properties.a[1]", "of type Decimal"),
        ({"a": object()}, "properties.a", "of type object"),
        ({"a": "x\0y"}, "properties.a", "contains NUL"),
        ({"x\0y": 1}, "properties", "contains NUL"),
        ({"a": "\ud800"}, "properties.a", "surrogate"),
        ({"a": 10**5000}, "properties.a", "bits"),
        (nested(DEPTH_MAX + 1), "properties" + ".a" * DEPTH_MAX, "nested"),
        (cycle(), "properties" + ".a" * DEPTH_MAX, "nested"),
    ],
)
def test_what_is_no_json_is_refused_and_the_culprit_is_named(
    value: object, path: str, problem: str
) -> None:
    with pytest.raises(InvalidProperties, match=problem) as caught:
        check_properties(value, 10**9)

    assert caught.value.path == path


def test_the_deepest_allowed_nesting_is_allowed() -> None:
    assert check_properties(nested(DEPTH_MAX), 10**9) == nested(DEPTH_MAX)


def test_the_limit_counts_compact_utf8() -> None:
    value = {"a": "\u00fc"}  # {"a":"ü"} has eight characters and one byte more for the ü

    assert check_properties(value, 10) == value
    with pytest.raises(InvalidProperties, match="has 10 bytes as JSON, 9 are allowed"):
        check_properties(value, 9)


def test_a_key_as_long_as_a_book_does_not_stand_in_the_error() -> None:
    key = "k" * 100_000

    with pytest.raises(InvalidProperties) as told:
        check_properties({key: {key: {key: float("nan")}}}, 10**9)

    assert len(str(told.value)) < 500
    assert "is nan" in str(told.value)


def test_the_way_to_each_of_many_values_costs_little() -> None:
    wide = {"k" * 200_000: dict.fromkeys(map(str, range(20_000)), 1)}
    begun = process_time()

    check_properties(wide, 10**9)

    assert process_time() - begun < 2
