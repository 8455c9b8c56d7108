from __future__ import annotations

from typing import Any

import pytest

from offload.core.exceptions import InvalidNumber, InvalidResource, ResourceDenied
from offload.core.matching.amounts import NO_RESOURCES, Amounts
from offload.core.matching.requirements import Requirements
from offload.core.placement.lanes import Lane


def test_the_greater_amount_of_each_holds() -> None:
    one, other = Amounts.of({"maya": 1, "nuke": 3}), Amounts.of({"maya": 2, "arnold": 1})

    assert one.merged(other).given == {"arnold": 1, "maya": 2, "nuke": 3}
    assert one.merged(NO_RESOURCES) is one
    assert NO_RESOURCES.merged(one) is one


@pytest.mark.parametrize("needs", ["", "limit clone"])
def test_a_lane_carries_them_beside_all_else(needs: str) -> None:
    asked = Requirements.of({"gpu": True})
    lane = Lane(
        topic="a/b", queue="q", needs=needs, requires=asked, keyed=True,
        resources=Amounts.of({"maya": 1, "nuke": 2}),
    )  # fmt: skip

    assert Lane.parse(str(lane)) == lane
    assert " " not in lane.resources.text


@pytest.mark.parametrize(
    "given",
    [
        {"maya": 0}, {"maya": -1}, {"maya": True}, {"maya": 1.5}, {"maya": "1"}, {"maya": None},
        {"may a": 1}, {"": 1}, {"a" * 101: 1}, {7: 1}, ["maya"], "maya",
        {f"licence-{number}": 1 for number in range(30)},
    ],
)  # fmt: skip
def test_anything_else_is_refused(given: Any) -> None:
    with pytest.raises(InvalidResource):
        Amounts.of(given)


def test_an_unreadable_word_of_a_lane_stands_for_a_resource_that_nobody_can_define() -> None:
    for word in ("resources={", "resources=[]", 'resources={"maya":-1}'):
        found = Amounts.parse(word)
        assert found
        with pytest.raises(InvalidResource):
            Amounts.of(found.given)
    assert Amounts.parse("requires={}") is None


@pytest.mark.parametrize("retry_in", [-1, float("nan"), float("inf"), True, "60", None])
def test_a_denial_says_for_how_long(retry_in: Any) -> None:
    with pytest.raises(InvalidNumber, match="retry_in"):
        ResourceDenied("maya", retry_in=retry_in)
