"""The option of a call about the instance that runs its job."""

from __future__ import annotations

from typing import Any

import pytest

from offload.core.exceptions import InvalidPlacement, InvalidPreference, InvalidRequirement
from offload.core.matching.call_placement import UNASKED, CallPlacement
from offload.core.matching.job_slots import Slots
from offload.core.matching.requirements import UNREADABLE, Requirements


def test_an_option_says_what_is_required_preferred_and_taken() -> None:
    given = {"requires": {"gpu": True}, "prefers": [({"labels": ["fast"]}, 2)], "slots": 2}

    found = CallPlacement.of(given)

    assert found.requires == Requirements.of({"gpu": True})
    assert found.prefers.given == [[{"labels": ["fast"]}, 2]]
    assert found.slots == Slots.of(2)
    assert CallPlacement.of(None) is UNASKED
    assert CallPlacement.of({}) == UNASKED


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ("gpu", InvalidPlacement, "'gpu' is no object"),
        ({"require": {"gpu": True}}, InvalidPlacement, "did you mean 'requires'"),
        ({"requires": {"ram_gb": {"=>": 3}}}, InvalidRequirement, "=>"),
        ({"requires": []}, InvalidRequirement, "requires"),
        ({"prefers": {"gpu": True}}, InvalidPreference, "no list of pairs"),
        ({"slots": 0}, InvalidPlacement, "slots is invalid"),
    ],
)
def test_what_it_cannot_be_is_refused_and_no_instance_meets_it(
    given: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        CallPlacement.of(given)

    assert CallPlacement.read(given).requires == UNREADABLE
