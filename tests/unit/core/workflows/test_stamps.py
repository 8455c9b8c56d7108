from __future__ import annotations

from typing import Any

import pytest

from offload.core.workflows.stamps import is_stamped, wanted_stamps


@pytest.mark.parametrize(
    ("stamps", "wanted", "found"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": [1, 2]}, {"a": (2, 3)}, True),
        ({"a": {"unhashable": 1}}, {"a": [{"unhashable": 1}]}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"b": 1}, False),
        ({"a": None}, {"a": None}, False),
        ({}, {}, False),
    ],
)
def test_one_value_of_one_stamp_is_enough(
    stamps: dict[str, Any], wanted: dict[str, Any], found: bool
) -> None:
    assert is_stamped(stamps, wanted) is found


def test_stamps_may_be_given_as_in_a_terminal() -> None:
    assert wanted_stamps(["a=1", "a=2", "b=x=y"]) == {"a": ["1", "2"], "b": ["x=y"]}
    assert wanted_stamps({"a": 1}) == {"a": 1}
