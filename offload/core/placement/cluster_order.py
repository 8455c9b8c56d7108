"""The order of instances with room: preferences, then the own and other clusters, then load."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from offload.core.matching.preferences import INDIFFERENT
from offload.core.policies import ClusterOrder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.matching.preferences import Preferences
    from offload.core.placement.judgement import Need
    from offload.core.placement.topology import InstanceInfo

# Number of jobs bound to each instance, by name; missing names have none.
Load: TypeAlias = "Mapping[str, int]"

# Why an instance comes first, if instances of several clusters have room.
REASONS: Mapping[ClusterOrder, str] = MappingProxyType(
    {
        ClusterOrder.LOCAL_FIRST: "own instances come first in its queue",
        ClusterOrder.BALANCED: "own instances and others count alike in its queue",
        ClusterOrder.REMOTE_FIRST: "instances of other clusters come first in its queue",
    }
)


def precedence(need: Need, instance: InstanceInfo, order: ClusterOrder) -> tuple[bool, float, bool]:
    """Return the key to sort instances by, whatever their load: named, preferred, by cluster."""
    preferred = -score(need.prefers, instance) if need.prefers else 0
    return instance.name != need.first, preferred, _is_later(order, instance)


def has_room(instance: InstanceInfo, load: Load) -> bool:
    """Tell whether an instance may hold more jobs."""
    return load.get(instance.name, 0) < instance.window


def share(instance: InstanceInfo, load: Load) -> float:
    """Return the used share of an instance's window."""
    return load.get(instance.name, 0) / instance.window


def why_first(prefers: Preferences, ranked: Sequence[InstanceInfo], order: ClusterOrder) -> str:
    """Return why the first one comes first; clusters matter only if there are several."""
    free = "the greatest share of it is free"
    first = ranked[0].is_remote
    if prefers:
        best = score(prefers, ranked[0])
        alike = [one for one in ranked if score(prefers, one) == best]
        said = why_first(INDIFFERENT, alike, order)
        return f"its score is {best:g}" if len(alike) == 1 else f"its score is {best:g}, {said}"
    if all(one.is_remote is first for one in ranked):
        return free
    return f"{REASONS[order]}, and {free}"


def score(prefers: Preferences, instance: InstanceInfo) -> float:
    """Return the sum of the weights of the preferences that an instance meets."""
    return prefers.score(instance.properties, instance.labels)


def preferred_to(
    instance: InstanceInfo, prefers: Preferences, candidates: Sequence[InstanceInfo]
) -> list[InstanceInfo]:
    """Return the candidates whose score is higher than that of an instance."""
    own = score(prefers, instance)
    return [one for one in candidates if score(prefers, one) > own]


def room_of_all(candidates: Sequence[InstanceInfo], load: Load) -> int:
    """Return how many more jobs these instances may hold."""
    return sum(_room(one, load) for one in candidates)


def own_share(
    order: ClusterOrder,
    instance: InstanceInfo,
    candidates: Sequence[InstanceInfo],
    load: Load,
    waiting: int,
) -> int:
    """Return how many of `waiting` jobs an instance of the own cluster may be given now.

    `candidates` are all instances that can run them, itself too. The other clusters' get the rest.
    What all own instances may be given, and the room of the others, suffices for all jobs, or for
    as many as there is room for.
    """
    room = _room(instance, load)
    if order is ClusterOrder.LOCAL_FIRST:
        return room
    if order is ClusterOrder.REMOTE_FIRST:
        waiting -= room_of_all([one for one in candidates if one.peer], load)
        return max(0, min(room, waiting))
    level = _level(candidates, load, waiting)
    return max(0, min(room, math.ceil(level * instance.window) - load.get(instance.name, 0)))


def _is_later(order: ClusterOrder, instance: InstanceInfo) -> bool:
    if order is ClusterOrder.BALANCED:
        return False
    return instance.is_remote is (order is ClusterOrder.LOCAL_FIRST)


def _room(instance: InstanceInfo, load: Load) -> int:
    return max(0, instance.window - load.get(instance.name, 0))


def _level(candidates: Sequence[InstanceInfo], load: Load, waiting: int) -> float:
    """Return the share of each window that is used once so many more jobs are dealt evenly.

    Those that are fuller already stay as they are.
    """
    ordered = sorted(candidates, key=lambda one: load.get(one.name, 0) / one.window)
    jobs, windows, level = waiting, 0, 1.0
    for one in ordered:
        if windows and level <= load.get(one.name, 0) / one.window:
            break
        jobs, windows = jobs + load.get(one.name, 0), windows + one.window
        level = jobs / windows
    return min(1.0, level)
