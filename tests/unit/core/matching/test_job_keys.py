from __future__ import annotations

from typing import Any

import pytest

from offload.core.exceptions import InvalidKey
from offload.core.matching.job_keys import (
    KEY_MAX,
    check_key,
    key_of,
    path_problem,
    weights_problem,
)

LONG = "ä" * (KEY_MAX + 1)


@pytest.mark.parametrize(
    ("properties", "path", "key"),
    [
        ({"tenant": "acme"}, "tenant", "acme"),
        ({"user": {"id": 7}}, "user.id", "7"),
        ({"user": {"id": -7}}, "user.id", "-7"),
        ({"paid": True}, "paid", "true"),
        ({"paid": False}, "paid", "false"),
        # Of a longer text, the first characters are the key.
        ({"tenant": LONG}, "tenant", LONG[:KEY_MAX]),
        # What is not there, or is no single value, is no key.
        ({}, "tenant", ""),
        ({"tenant": None}, "tenant", ""),
        ({"tenant": ""}, "tenant", ""),
        ({"tenant": 1.5}, "tenant", ""),
        ({"tenant": 10**18}, "tenant", ""),
        ({"tenant": ["acme"]}, "tenant", ""),
        ({"tenant": {"id": 1}}, "tenant", ""),
        ({"tenant": "acme"}, "tenant.id", ""),
        ({"tenant": "a\0b"}, "tenant", ""),
        ({"tenant": "\ud800"}, "tenant", ""),
    ],
)
def test_the_key_is_the_value_at_the_path(properties: Any, path: str, key: str) -> None:
    assert key_of(properties, path) == key


@pytest.mark.parametrize("key", ["", "acme", "ä" * KEY_MAX, "two words"])
def test_a_text_of_a_hundred_characters_is_a_key(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize(
    ("key", "problem"),
    [(LONG, "101 characters"), (7, "type int"), ("a\0", "NUL"), ("\ud800", "half a surrogate")],
)
def test_anything_else_is_refused_as_a_key(key: object, problem: str) -> None:
    with pytest.raises(InvalidKey, match=problem):
        check_key(key)


@pytest.mark.parametrize(
    ("path", "is_path"),
    [
        ("tenant", True),
        ("user.id", True),
        ("a-b.c_d", True),
        ("", False),
        (".", False),
        ("a..b", False),
        ("a b", False),
        ('a"b', False),
    ],
)
def test_a_path_is_names_joined_by_dots(path: str, is_path: bool) -> None:
    assert (path_problem(path) == "") == is_path


@pytest.mark.parametrize(
    ("weights", "problem"),
    [
        ({}, ""),
        ({"acme": 3, "b": 1000}, ""),
        ([], "an object"),
        ({"acme": 0}, "from 1 to 1,000"),
        ({"acme": 1001}, "from 1 to 1,000"),
        ({"acme": True}, "not a whole number"),
        ({"acme": 1.5}, "not a whole number"),
        ({"": 1}, "is no key"),
        ({LONG: 1}, "is no key"),
        ({str(number): 1 for number in range(1001)}, "1000 are allowed"),
    ],
)
def test_weights_are_whole_numbers_by_key(weights: object, problem: str) -> None:
    found = weights_problem(weights)

    assert problem in found if problem else not found
