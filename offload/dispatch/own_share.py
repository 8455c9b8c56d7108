"""The share of own instances in queues whose jobs go to other clusters first, or evenly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from offload.core.placement.cluster_order import own_share
from offload.core.placement.routing import plan
from offload.core.policies import ClusterOrder
from offload.fleet.snapshots import now
from offload.tracking.binding.queue_limits import allowed
from offload.tracking.queries import loads_by_instance, travelling

if TYPE_CHECKING:
    from offload.core.placement.lanes import Lane
    from offload.fleet.snapshots import Snapshot
    from offload.tracking.binding.bindings import Place

#: Waiting jobs of a lane that are counted at most.
COUNTED_MAX = 10_000


def in_order(place: Place, lane: Lane, current: Snapshot) -> Place:
    """Return the place with the window that the queue's order of clusters leaves to this lane.

    Nothing is asked of the database unless instances of other clusters may come first.
    """
    order = current.policy(lane.queue).cluster_order
    if order is ClusterOrder.LOCAL_FIRST or place.peer or not current.topology.remote:
        return place
    able = [one.instance for one in plan(current.need(lane), current.topology, now()).candidates]
    if not any(one.peer for one in able):
        return place
    load = loads_by_instance()
    roomy = [one for one in able if load.get(one.name, 0) < one.window]
    mine = next((one for one in roomy if one.name == place.instance), None)
    others = [one.incarnation for one in roomy if one.peer]
    if mine is None or not others:
        return place
    room = sum(one.window - load.get(one.name, 0) for one in roomy)
    fitting, staying = travelling(lane, others, limit=min(room, COUNTED_MAX))
    fitting = allowed(current.policy(lane.queue), now()).up_to(fitting)
    share = staying + own_share(order, mine, roomy, load, fitting)
    return replace(place, window=min(place.window, load.get(mine.name, 0) + share))
