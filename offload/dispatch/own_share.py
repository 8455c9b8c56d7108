"""The share of an instance in jobs that go first to preferred ones, or to other clusters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from offload.core.placement.cluster_order import (
    has_room,
    own_share,
    preferred_to,
    room_of_all,
    score,
)
from offload.core.placement.routing import plan
from offload.core.policies import ClusterOrder
from offload.fleet.snapshots import now
from offload.tracking.binding.queue_limits import allowed
from offload.tracking.queries import loads_by_instance, preferring, travelling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.placement.cluster_order import Load
    from offload.core.placement.lanes import Lane
    from offload.core.placement.topology import InstanceInfo
    from offload.fleet.snapshots import Snapshot
    from offload.tracking.binding.bindings import Place

#: Waiting jobs of a lane that are counted at most.
COUNTED_MAX = 10_000


def in_order(place: Place, lane: Lane, current: Snapshot) -> Place:
    """Return the place with the window that preferences and the order of clusters leave this lane.

    Nothing is asked of the database unless the jobs have preferences, or instances of other
    clusters may come first.
    """
    need = current.need(lane)
    if _is_own_first(place, lane, current) and not need.prefers:
        return place
    able = [one.instance for one in plan(need, current.topology, now()).candidates]
    others = [one for one in able if one.name != place.instance]
    if not need.prefers and not any(one.peer for one in others):
        return place
    load = loads_by_instance()
    roomy = [one for one in able if has_room(one, load)]
    mine = next((one for one in roomy if one.name == place.instance), None)
    if mine is None:
        return place
    alike = [one for one in roomy if score(need.prefers, one) == score(need.prefers, mine)]
    left = _after_preferred(place, mine, roomy, load, lane, current)
    return (
        left
        if _is_own_first(place, lane, current)
        else _share(left, mine, alike, load, lane, current)
    )


def _is_own_first(place: Place, lane: Lane, current: Snapshot) -> bool:
    order = current.policy(lane.queue).cluster_order
    return bool(order is ClusterOrder.LOCAL_FIRST or place.peer or not current.topology.remote)


def _after_preferred(
    place: Place,
    mine: InstanceInfo,
    roomy: Sequence[InstanceInfo],
    load: Load,
    lane: Lane,
    current: Snapshot,
) -> Place:
    """Return the place with the window that those with a higher score leave it."""
    better = preferred_to(mine, current.need(lane).prefers, roomy)
    if not better:
        return place
    own = [one.incarnation for one in better if not one.peer]
    others = [one.incarnation for one in better if one.peer]
    limit = min(room_of_all(roomy, load), COUNTED_MAX)
    fitting, rest = preferring(lane, own, others, limit=limit)
    fitting = allowed(current.policy(lane.queue), now()).up_to(fitting)
    share = rest + max(0, fitting - room_of_all(better, load))
    return replace(place, window=min(place.window, load.get(mine.name, 0) + share))


def _share(
    place: Place,
    mine: InstanceInfo,
    alike: Sequence[InstanceInfo],
    load: Load,
    lane: Lane,
    current: Snapshot,
) -> Place:
    """Return the place with the window that the order of clusters leaves it."""
    policy = current.policy(lane.queue)
    others = [one.incarnation for one in alike if one.peer]
    if not others:
        return place
    limit = min(room_of_all(alike, load), COUNTED_MAX)
    fitting, staying = travelling(lane, others, limit=limit)
    fitting = allowed(policy, now()).up_to(fitting)
    share = staying + own_share(policy.cluster_order, mine, alike, load, fitting)
    return replace(place, window=min(place.window, load.get(mine.name, 0) + share))
