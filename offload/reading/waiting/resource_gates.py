"""Gates of the resources that a waiting job uses, with the jobs that use them now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from offload.core.admission.resources import undefined, verdict
from offload.core.placement.routing import Need, plan
from offload.fleet.snapshots import now
from offload.tracking.binding import resource_use

if TYPE_CHECKING:
    from offload.core.admission.admission import Allowance
    from offload.core.placement.lanes import Lane
    from offload.fleet.snapshots import Snapshot


def added(allowance: Allowance, need: Need, lane: Lane, current: Snapshot) -> Allowance:
    """Return a queue's allowance with the gates of the resources that jobs of a lane use.

    Nothing is asked of the database if they use none here, as at an instance of another cluster.
    """
    able = [one.instance for one in plan(need, current.topology, now()).candidates]
    here = [one for one in able if not one.peer]
    if len(here) < len(able):
        return allowance
    asked = lane.resources.merged(current.policy(lane.queue).resources)
    amounts = min((current.amounts(lane, one) for one in here), key=len, default=asked)
    if not amounts:
        return allowance
    uses, hosts = resource_use.read(amounts.names), {one.host for one in here}
    gates = (
        verdict(uses[name], amount, now(), hosts=hosts) if name in uses else undefined(name, amount)
        for name, amount in amounts.pairs
    )
    return replace(allowance, gates=(*allowance.gates, *gates))
