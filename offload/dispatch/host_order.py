"""Hosts that hold a resource which is counted per host: they go first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.admission.resources import Per
from offload.core.placement.routing import plan
from offload.fleet.snapshots import now
from offload.models import Exclusion
from offload.tracking.queries import loads_by_instance

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from offload.core.admission.resources import ResourceUse
    from offload.core.placement.lanes import Lane
    from offload.core.placement.topology import InstanceInfo
    from offload.fleet.snapshots import Snapshot


def is_for_others(
    instance: InstanceInfo, lanes: Sequence[Lane], uses: Collection[ResourceUse], current: Snapshot
) -> bool:
    """Tell whether jobs of these lanes go to another host, which holds what this one had to take.

    They do as long as an idle process there may run one of them.
    """
    holding = _holding(instance.host, uses)
    if not holding:
        return False
    load = loads_by_instance()
    idle = [
        one.incarnation
        for one in _able(lanes, current)
        if one.host in holding and load.get(one.name, 0) < min(one.concurrency, one.window)
    ]
    # One that refused a job a moment ago would keep it waiting.
    refused = Exclusion.objects.filter(incarnation__in=idle, until__gt=now())
    return bool(idle) and not refused.exists()


def _holding(host: str, uses: Collection[ResourceUse]) -> set[str]:
    """Return the hosts that hold all which this one lacks; none if it lacks nothing."""
    lacking = [set(one.hosts) for one in uses if one.resource.per is Per.HOST]
    lacking = [one for one in lacking if host not in one]
    return set.intersection(*lacking) if lacking else set()


def _able(lanes: Sequence[Lane], current: Snapshot) -> Iterator[InstanceInfo]:
    """Yield the instances of the own cluster that may run the jobs."""
    for lane in lanes:
        for one in plan(current.need(lane), current.topology, now()).candidates:
            if not one.instance.peer:
                yield one.instance
