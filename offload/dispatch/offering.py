"""Offering new jobs to instances right after they were submitted."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from offload.conf import settings
from offload.core.placement.routing import Route
from offload.dispatch.dispatching import bind_at, most_of, room_of, route_of
from offload.dispatch.full_lanes import full_lanes
from offload.fleet.snapshots import snapshot
from offload.messaging.installation import current_installation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from offload.core.placement.lanes import Lane
    from offload.fleet.snapshots import Snapshot


class Offer(NamedTuple):
    """The route of a lane, and the load of the instances that it was chosen by."""

    route: Route
    load: Mapping[str, int]


def offer(lanes: Iterable[Lane]) -> int:
    """Bind the waiting jobs of these lanes right after a submission; return how many were bound.

    Only instances with an idle slot get jobs: a job had better wait in the database for the first
    free instance than behind a busy one, and agents bind in batches. Stop after the time in the
    settings, and bind nothing while the broker is unreachable: the sweep does the rest.
    """
    deadline = monotonic() + settings().bind_limit
    left = dict.fromkeys((lane for lane in lanes if not full_lanes.has(lane)), 0)
    count = 0
    while left and monotonic() < deadline:
        current = snapshot(fresh=any(left.values()))
        for instance, routes in _by_instance(left, current, count).items():
            if current_installation.to_broker.is_open:
                return count
            count += _offer(instance, routes, left, current)
    return count


def _by_instance(
    left: dict[Lane, int], current: Snapshot, cursor: int
) -> dict[str, dict[Lane, Offer]]:
    """Return the next routes of these lanes by instance; leave out lanes that nobody can take now.

    ``left`` says how often each lane was offered in vain. A lane for which there is a choice comes
    alone: the load that its route goes by must count what was bound before.
    """
    found: dict[str, dict[Lane, Offer]] = {}
    for lane, misses in list(left.items()):
        if not most_of(lane, current).is_open:
            del left[lane]
            continue
        where, load = route_of(lane, current, cursor)
        if not isinstance(where, Route) or misses > 1:
            full_lanes.note(lane)
            del left[lane]
            continue
        is_choice = len(where.candidates) > 1
        if not (is_choice and found):
            found.setdefault(where.instance, {})[lane] = Offer(where, load)
        if is_choice:
            break
    return found


def _offer(
    instance: str, routes: Mapping[Lane, Offer], left: dict[Lane, int], current: Snapshot
) -> int:
    """Bind jobs of lanes that have the same route, together; count or leave out each lane."""
    bound = bind_at(instance, list(routes), current, idle=True)
    for lane, (where, load) in routes.items():
        idle = room_of(instance, current, idle=True) - load.get(instance, 0)
        if bound and (len(bound) < idle or len(where.candidates) == 1):
            del left[lane]
        else:
            left[lane] = 0 if bound else left[lane] + 1
    return len(bound)
