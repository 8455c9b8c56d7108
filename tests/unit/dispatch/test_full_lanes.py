"""Lanes without an idle slot are left alone for a moment."""

from __future__ import annotations

from offload.core.placement.lanes import Lane
from offload.dispatch.full_lanes import FULL_LANE_SECONDS, FULL_LANES_MAX, FullLanes
from tests.clocks import Clock


def test_a_lane_is_full_for_a_moment() -> None:
    clock = Clock()
    full, lane = FullLanes(clock), Lane(topic="dam/rendition")
    full.note(lane)

    assert full.has(Lane(topic="dam/rendition"))
    assert not full.has(Lane(topic="dam/other"))
    clock.go_on(FULL_LANE_SECONDS)
    assert not full.has(lane)


def test_full_lanes_are_remembered_up_to_a_limit() -> None:
    full = FullLanes(Clock())
    lanes = [Lane(topic=f"dam/{number}") for number in range(FULL_LANES_MAX + 5)]

    for lane in lanes:
        full.note(lane)

    assert 0 < sum(map(full.has, lanes)) <= FULL_LANES_MAX
