from __future__ import annotations

import json
from enum import IntEnum, StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.discovery.properties import (
    BUILT_IN,
    PROPERTY_NAME_MAX,
    TEXT_MAX,
    Scalar,
    clashes,
    name_problem,
    plain_value,
)
from offload.core.exceptions import InvalidProperty


class Size(IntEnum):
    LARGE = 3


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize("name", ["gpu", "gpu.memory-free_1", "9", "a" * PROPERTY_NAME_MAX])
def test_names_are_letters_digits_and_dots_or_dashes(name: str) -> None:
    assert name_problem(name) == ""


@pytest.mark.parametrize(
    "name", ["", ".gpu", "my gpu", "gpu\n", "grün", "a" * (PROPERTY_NAME_MAX + 1), 7]
)
def test_other_names_are_refused(name: object) -> None:
    assert name_problem(name)


@pytest.mark.parametrize(
    ("value", "plain"),
    [(None, None), (True, True), (8, 8), (0.5, 0.5), ("a100", "a100"), (Size.LARGE, 3),
     (Colour.RED, "red")],
)  # fmt: skip
def test_values_are_scalars_and_keep_their_type(value: object, plain: Scalar) -> None:
    found = plain_value("gpu", value)

    assert (found, type(found)) == (plain, type(plain))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([1], "of type list"),
        ({}, "of type dict"),
        (b"a", "of type bytes"),
        (float("nan"), "is nan"),
        (1 << 63, "64 bits"),
        ("a" * (TEXT_MAX + 1), "256 characters, and 255 are allowed"),
        ("a\0", "NUL"),
        ("\ud800", "surrogate"),
    ],
)
def test_what_is_no_scalar_or_too_large_is_refused_by_name(value: object, told: str) -> None:
    with pytest.raises(InvalidProperty, match=rf"'gpu' cannot be .*{told}.*returns a number"):
        plain_value("gpu", value)


@given(value=st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none()))
def test_any_scalar_is_refused_or_the_same_after_json(value: Scalar) -> None:
    try:
        found = plain_value("gpu", value)
    except InvalidProperty:
        return
    assert found == value
    assert json.loads(json.dumps(found).encode()) == value


def test_a_name_in_two_places_names_both() -> None:
    place = "OFFLOAD_LABELS in the environment"
    told = clashes([("gpu", "dam.consumers.gpu"), ("rack", place), ("gpu", place), ("rack", place)])

    assert told == [
        f"The property 'gpu' is given by dam.consumers.gpu and by {place}. Rename all but one of "
        "them."
    ]
    [mine] = clashes([("host", place)])
    assert f"'host' is given by offload itself and by {place}." in mine
    assert "host" in BUILT_IN
