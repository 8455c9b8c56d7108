"""Binding jobs of lanes at one place: together where nothing is counted, else under locks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from offload.core.admission.admission import admit
from offload.core.admission.gates import UNUSED
from offload.dispatch import host_order
from offload.dispatch.own_share import in_order
from offload.fleet.snapshots import Snapshot, now
from offload.tracking.binding import queue_limits, resource_use
from offload.tracking.binding.bindings import BoundJob, Place, bind
from offload.tracking.binding.chosen import LimitHere, bind_chosen
from offload.tracking.binding.resource_limits import bind_using, room_in
from offload.tracking.binding.waiting_heads import Head, heads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.admission.admission import Allowance
    from offload.core.matching.amounts import Amounts
    from offload.core.placement.lanes import Lane
    from offload.core.placement.topology import InstanceInfo
    from offload.core.policies import Policy


def most_of(lane: Lane, current: Snapshot) -> Allowance:
    """Return the most that the policy of a lane's queue admits, without counting its jobs."""
    return admit(current.policy(lane.queue), UNUSED, now())


@dataclass(frozen=True, slots=True)
class _Together:
    """Lanes that are bound together: equal in all that is counted for them."""

    place: Place
    amounts: Amounts
    #: The queue whose rules choose among their jobs, or "".
    queue: str = ""
    #: The one lane of a queue that counts, or None.
    alone: Lane | None = None
    #: Whether nothing limits them but the window.
    is_plain: bool = False


def bind_lanes(
    place: Place, lanes: Sequence[Lane], current: Snapshot, *, suspect: bool
) -> list[BoundJob]:
    """Bind waiting jobs of these lanes at a place; ``suspect`` binds one suspect of a crash."""
    instance = current.topology.instance(place.instance)
    lines: defaultdict[_Together, list[Lane]] = defaultdict(list)
    for lane in lanes:
        most = most_of(lane, current)
        if most.is_open:
            left = place if suspect or lane.slots else in_order(place, lane, current)
            amounts = current.amounts(lane, instance)
            lines[_line(lane, left, most, amounts, whole=left is place)].append(lane)
    # Counted ones come first, as long as there is room.
    ordered = sorted(lines.items(), key=lambda one: one[0].is_plain)
    return [
        job
        for line, together in ordered
        for job in _bind_line(line, together, instance, current, suspect=suspect)
    ]


def _line(lane: Lane, left: Place, most: Allowance, amounts: Amounts, *, whole: bool) -> _Together:
    if most.chooses:
        # By all of its lanes together: keys and topics take turns in the whole queue.
        return _Together(left, amounts, queue=lane.queue)
    if most.is_unlimited and whole:
        return _Together(left, amounts, is_plain=not amounts)
    return _Together(left, amounts, alone=lane)


def _bind_line(
    line: _Together,
    lanes: Sequence[Lane],
    instance: InstanceInfo | None,
    current: Snapshot,
    *,
    suspect: bool,
) -> list[BoundJob]:
    act = partial(_bind, line, lanes, instance, current, suspect)
    if not line.amounts or instance is None:
        return act(None)
    # A look without a lock: where nothing is free, many ask again and again.
    uses = resource_use.read(line.amounts.names)
    if room_in(uses, line.amounts, instance.host, now()) == 0:
        return []
    if not suspect and host_order.is_for_others(instance, lanes, uses.values(), current):
        return []
    return bind_using(line.place, instance.host, line.amounts, now(), act)


def _bind(
    line: _Together,
    lanes: Sequence[Lane],
    instance: InstanceInfo | None,
    current: Snapshot,
    suspect: bool,
    most: int | None,
) -> list[BoundJob]:
    if line.queue:
        policy = current.policy(line.queue)
        here = limits(policy, instance, current) if instance else []
        return bind_chosen(line.place, lanes, policy, now(), here=here, suspect=suspect, most=most)
    if line.alone and not most_of(line.alone, current).is_unlimited:
        policy = current.policy(line.alone.queue)
        return queue_limits.bind_limited(
            line.place, line.alone, policy, now(), suspect=suspect, most=most
        )
    limit = line.place.window if most is None else min(most, line.place.window)
    return bind(line.place, _heads(lanes, current, suspect=suspect), limit=limit, suspect=suspect)


def limits(policy: Policy, instance: InstanceInfo, current: Snapshot) -> list[LimitHere]:
    """Return the limits of a queue for an instance, and for its host."""
    found, alone = [], policy.limit_on(instance.concurrency)
    if alone is not None:
        found.append(LimitHere(most=alone, names=[instance.name]))
    if policy.max_per_host is not None:
        names = current.topology.beside(instance)
        found.append(LimitHere(most=policy.max_per_host, names=names))
    return found


def _heads(lanes: Sequence[Lane], current: Snapshot, *, suspect: bool) -> list[Head]:
    return [
        head
        for lane in lanes
        for head in heads(lane, None if suspect else current.policy(lane.queue).ageing)
    ]
