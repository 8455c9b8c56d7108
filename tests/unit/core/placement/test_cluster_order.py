"""The order of clusters, as ``route()`` and the share of own instances keep it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.placement.cluster_order import own_share
from offload.core.placement.routing import Need, Route, route
from offload.core.placement.topology import InstanceInfo, Topology
from offload.core.policies import ClusterOrder
from offload.core.topics import Pattern
from tests.unit.core.placement.fleet import NOW, instance

LOCAL, BALANCED, REMOTE = ClusterOrder
#: What rounding makes of shares.
TINY = 1e-6
OWN = ("author@host1", "web@host1")
OTHERS = ("render/gpu1@host", "render/gpu2@host")
EVERY = (*OWN, *OTHERS)
NEED = Need(topic="a/b")


def member(name: str, *, window: int = 4) -> InstanceInfo:
    """Return an instance that can run everything, of another cluster if its name says so."""
    peer = name.partition("/")[0] if "/" in name else ""
    return instance(name, peer=peer, sends=(Pattern.parse("**"),), window=window)


def fleets() -> st.SearchStrategy[tuple[InstanceInfo, ...]]:
    """Return instances of both kinds, at least one of the own cluster."""
    windows = st.lists(st.integers(1, 6), min_size=4, max_size=4)
    names = st.sets(st.sampled_from(EVERY[1:])).map(lambda more: (OWN[0], *sorted(more)))
    return st.builds(
        lambda chosen, sizes: tuple(
            member(name, window=size) for name, size in zip(chosen, sizes, strict=False)
        ),
        names,
        windows,
    )


def picture(*every: InstanceInfo) -> Topology:
    """Return the topology of these instances."""
    own = tuple(one for one in every if not one.peer)
    return Topology(version=1, instances=own, remote=tuple(one for one in every if one.peer))


def loads() -> st.SearchStrategy[dict[str, int]]:
    """Return how many jobs each holds."""
    return st.dictionaries(st.sampled_from(EVERY), st.integers(0, 7))


def room(one: InstanceInfo, load: dict[str, int]) -> int:
    """Return how many more jobs an instance may hold."""
    return max(0, one.window - load.get(one.name, 0))


def chosen(order: ClusterOrder, load: dict[str, int], need: Need = NEED) -> Route:
    """Return the decision between all four, for a queue of this order."""
    found = route(need, picture(*map(member, EVERY)), load, now=NOW, order=order)
    assert isinstance(found, Route)
    return found


def test_local_first_goes_to_others_only_once_the_own_ones_are_full() -> None:
    assert chosen(LOCAL, dict.fromkeys(OWN, 3)).instance == OWN[0]
    assert chosen(LOCAL, dict.fromkeys(OWN, 4)).instance == OTHERS[0]


def test_remote_first_goes_to_the_own_ones_only_once_the_others_are_full() -> None:
    assert chosen(REMOTE, dict.fromkeys(OTHERS, 3)).instance == OTHERS[0]
    assert chosen(REMOTE, dict.fromkeys(OTHERS, 4)).instance == OWN[0]


def test_balanced_goes_where_the_greatest_share_is_free() -> None:
    load = {OWN[0]: 2, OWN[1]: 1, OTHERS[0]: 0, OTHERS[1]: 3}

    assert chosen(BALANCED, load).candidates == (OTHERS[0], OWN[1], OWN[0], OTHERS[1])


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (LOCAL, "own instances come first in its queue, and the greatest share of it is free"),
        (BALANCED, "own instances and others count alike in its queue, and the greatest share"),
        (REMOTE, "instances of other clusters come first in its queue, and the greatest share"),
    ],
)
def test_the_reason_names_the_order_only_where_there_is_a_choice(
    order: ClusterOrder, why: str
) -> None:
    assert f"It comes first of 4 with room: {why}" in chosen(order, {}).reasons[-1]

    alone = route(NEED, picture(member(OWN[0])), {}, now=NOW, order=order)
    assert isinstance(alone, Route)
    assert alone.reasons[-1] == "It comes first of 1 with room: the greatest share of it is free."


def test_a_preferred_instance_comes_before_any_order() -> None:
    assert chosen(REMOTE, {}, replace(NEED, first=OWN[1])).instance == OWN[1]


@given(fleets(), loads(), st.sampled_from(ClusterOrder))
def test_the_order_changes_who_comes_first_and_never_who_may(
    fleet: tuple[InstanceInfo, ...], load: dict[str, int], order: ClusterOrder
) -> None:
    usual = route(NEED, picture(*fleet), load, now=NOW)
    found = route(NEED, picture(*fleet), load, now=NOW, order=order)

    assert isinstance(found, Route) is isinstance(usual, Route)
    if isinstance(found, Route) and isinstance(usual, Route):
        assert set(found.candidates) == set(usual.candidates)
        sides = ["/" in name for name in found.candidates]
        by_side = {LOCAL: sorted(sides), REMOTE: sorted(sides, reverse=True), BALANCED: sides}
        assert sides == by_side[order]


@given(fleets(), loads(), st.sampled_from(ClusterOrder), st.integers(0, 40))
def test_no_job_waits_while_there_is_room(
    fleet: tuple[InstanceInfo, ...], load: dict[str, int], order: ClusterOrder, waiting: int
) -> None:
    own = {one.name: own_share(order, one, fleet, load, waiting) for one in fleet if not one.peer}
    elsewhere = sum(room(one, load) for one in fleet if one.peer)

    for one in fleet:
        if not one.peer:
            assert 0 <= own[one.name] <= room(one, load)
    if order is BALANCED or not elsewhere:
        # Evenly dealt, so others need take no more than they have room for.
        assert sum(own.values()) + elsewhere >= min(waiting, sum(room(one, load) for one in fleet))
    else:
        assert sum(own.values()) >= min(waiting - elsewhere, sum(own.values()))


@given(fleets(), loads(), st.integers(0, 40))
def test_remote_first_leaves_to_own_instances_what_others_have_no_room_for(
    fleet: tuple[InstanceInfo, ...], load: dict[str, int], waiting: int
) -> None:
    elsewhere = sum(room(one, load) for one in fleet if one.peer)
    overflow = max(0, waiting - elsewhere)

    for one in fleet:
        if not one.peer:
            found = own_share(REMOTE, one, fleet, load, waiting)
            assert found == min(room(one, load), overflow)


@given(fleets(), loads(), st.integers(1, 40))
def test_balanced_fills_each_own_instance_to_the_level_that_all_come_to(
    fleet: tuple[InstanceInfo, ...], load: dict[str, int], waiting: int
) -> None:
    level = even_level(fleet, load, waiting)

    for one in fleet:
        if not one.peer:
            share = own_share(BALANCED, one, fleet, load, waiting)
            used = load.get(one.name, 0) + share
            assert used >= level * one.window - TINY
            assert share == 0 or used - 1 <= level * one.window + TINY


def even_level(fleet: tuple[InstanceInfo, ...], load: dict[str, int], waiting: int) -> float:
    """Return the share of windows that is used once so many jobs were poured over them."""
    low, high = 0.0, 1.0
    while high - low > TINY / 100:
        level = (low + high) / 2
        poured = sum(max(0.0, level * one.window - load.get(one.name, 0)) for one in fleet)
        low, high = (low, level) if poured >= waiting else (level, high)
    return high
