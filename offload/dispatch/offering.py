"""Offering new jobs to instances right after they were submitted."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.placement.routing import Route
from offload.dispatch.dispatching import bind_at, room_of, route_of
from offload.dispatch.full_lanes import full_lanes
from offload.dispatch.lane_binding import most_of
from offload.fleet.snapshots import snapshot
from offload.messaging.installation import current_installation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from offload.core.placement.lanes import Lane
    from offload.core.placement.routing import Loads
    from offload.fleet.snapshots import Snapshot


def offer(lanes: Iterable[Lane]) -> int:
    """Bind the waiting jobs of these lanes right after a submission; return how many were bound.

    Only instances with an idle slot get jobs: a job had better wait in the database for the first
    free instance than behind a busy one, and agents bind in batches. Stop after the time in the
    settings, and bind nothing while the broker is unreachable: the sweep does the rest.
    """
    deadline = monotonic() + settings().bind_limit
    # For jobs that take several places, the leader keeps them free first.
    left = dict.fromkeys((one for one in lanes if not (one.slots or full_lanes.has(one))), 0)
    count, loads = 0, None
    while left and monotonic() < deadline:
        in_vain = any(left.values())
        current = snapshot(fresh=in_vain)
        for instance, routes in _by_instance(left, current, None if in_vain else loads).items():
            if current_installation.to_broker.is_open:
                return count
            bound = _offer(instance, routes, left, current)
            loads = _grown(routes, bound)
            count += bound
    return count


def _by_instance(
    left: dict[Lane, int], current: Snapshot, loads: Loads | None
) -> dict[str, dict[Lane, Route]]:
    """Return the next routes of these lanes by instance; leave out lanes that nobody can take now.

    ``left`` says how often each lane was offered in vain. A lane for which there is a choice comes
    alone: the loads that its route goes by must count what was bound before.
    """
    found: dict[str, dict[Lane, Route]] = {}
    for lane, misses in list(left.items()):
        if not most_of(lane, current).is_open:
            del left[lane]
            continue
        where = route_of(lane, current, loads)
        if not isinstance(where, Route) or misses > 1:
            full_lanes.note(lane)
            del left[lane]
            continue
        is_choice = where.has_choice
        if not (is_choice and found):
            found.setdefault(where.instance, {})[lane] = where
        if is_choice:
            break
    return found


def _offer(
    instance: str, routes: Mapping[Lane, Route], left: dict[Lane, int], current: Snapshot
) -> int:
    """Bind jobs of lanes that have the same route, together; count or leave out each lane."""
    bound = bind_at(instance, list(routes), current, idle=True)
    for lane, where in routes.items():
        idle = room_of(instance, current, idle=True) - where.loads.get(instance, 0)
        if bound and (len(bound) < idle or not where.has_choice):
            del left[lane]
        else:
            left[lane] = 0 if bound else left[lane] + 1
    return len(bound)


def _grown(routes: Mapping[Lane, Route], bound: int) -> Loads | None:
    """Return the loads after an offer, unless none were asked for: then there was no choice."""
    where = next(iter(routes.values()))
    return where.loads.plus(where.instance, bound) if where.has_choice else None
