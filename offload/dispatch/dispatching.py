"""Binding waiting jobs to instances that can run them now, and sending them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.envelopes import BUILTIN_TASKS
from offload.core.placement.cluster_order import has_room
from offload.core.placement.routing import (
    Candidate,
    Loads,
    Route,
    Unroutable,
    consumer_for,
    plan,
    route,
)
from offload.core.placement.topology import Mode
from offload.dispatch import returning
from offload.dispatch.full_lanes import full_lanes
from offload.dispatch.lane_binding import bind_lanes, most_of
from offload.dispatch.publishing import send
from offload.dispatch.remote_sending import remote_sending
from offload.fleet.snapshots import Snapshot, now, snapshot
from offload.messaging.installation import current_installation
from offload.tracking import requeue
from offload.tracking.binding.bindings import BoundJob, Place
from offload.tracking.binding.inserting import insert_bound
from offload.tracking.queries import loads_by_instance, suspects, waiting_lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from offload.core.placement.lanes import Lane
    from offload.tracking.drafts import Draft


def store_bound(draft: Draft) -> tuple[bool, list[BoundJob]] | None:
    """Store a draft, bound at once if an instance has room.

    Return whether it was new, and the bound job to send; or None, with nothing stored, if the job
    has to wait.
    """
    lane = draft.lane
    current = snapshot()
    if (
        current_installation.to_broker.is_open
        or full_lanes.has(lane)
        or lane.slots
        or not most_of(lane, current).is_unlimited
    ):
        return None
    found = route_of(lane, current)
    place = _place(found.instance, current, idle=True) if isinstance(found, Route) else None
    here = current.topology.instance(place.instance) if place else None
    if place is None or place.peer or current.amounts(lane, here):
        return None
    return insert_bound(place, draft)


def route_of(lane: Lane, current: Snapshot, loads: Loads | None = None) -> Route | Unroutable:
    """Return the instance that should run a lane.

    The loads are asked for unless they are given; they count only for a choice.
    """
    need, moment = current.need(lane), now()
    if loads is None:
        is_choice = len(plan(need, current.topology, moment).candidates) > 1
        loads = Loads(loads_by_instance() if is_choice else {})
    order = current.policy(lane.queue).cluster_order
    return route(need, current.topology, loads, now=moment, order=order)


def room_of(instance: str, current: Snapshot, *, idle: bool) -> int:
    """Return how many jobs an instance may hold, or only how many it runs at once."""
    found = current.topology.instance(instance)
    if found is None:
        return 0
    return min(found.concurrency, found.window) if idle else found.window


def refill(instance: str, *, window: int | None = None) -> int:
    """Bind waiting jobs that this instance may run, up to its window; return how many.

    ``window`` is a larger one than it announces, for an instance that ends jobs fast. A suspect of
    a crash comes first: a backlog that fills the window would block it for ever.
    """
    current = snapshot()
    lanes = waiting_lanes()
    count = _refill_suspects(instance, current)
    found = _refill(instance, lanes, current, window)
    if lanes and not found:
        found = _refill_anew(instance, lanes, current, window)
    return count + found


def _refill(instance: str, lanes: Sequence[Lane], current: Snapshot, window: int | None) -> int:
    mine = [lane for lane in lanes if _candidate(instance, lane, current)]
    return len(bind_at(instance, mine, current, window=window)) if mine else 0


def _refill_anew(
    instance: str, lanes: Sequence[Lane], current: Snapshot, window: int | None
) -> int:
    """Try again if nothing was bound because the topology has changed."""
    fresh = snapshot(fresh=True)
    return _refill(instance, lanes, fresh, window) if fresh.version != current.version else 0


def _refill_suspects(instance: str, current: Snapshot) -> int:
    """Bind one suspect of a crash, from the first lane that has one for this instance."""
    place = _place(instance, current)
    mine = (
        [lane for lane in suspects(place) if _candidate(instance, lane, current)] if place else []
    )
    tried = (len(bind_at(instance, [lane], current, suspect=True)) for lane in mine)
    return next(filter(None, tried), 0)


def sweep(*, only_remote: bool = False) -> int:
    """Bind waiting jobs of all lanes to any instance that can run them; return how many."""
    return _bind_anywhere(only_remote=only_remote) if waiting_lanes() or suspects() else 0


def _bind_anywhere(*, only_remote: bool = False) -> int:
    load, topology = loads_by_instance(), snapshot().topology
    remote = [one for one in topology.remote if one.mode is Mode.READY]
    # The own cluster first: others get what it has no room for.
    places = remote if only_remote else [*topology.live, *remote]
    return sum(refill(one.name) for one in places if has_room(one, load))


def bind_due(relocate: Callable[[Sequence[Lane]], object] = bool) -> int:
    """Bind waiting jobs, including those that have just become due; return how many.

    Lanes that are kept to an instance are shown to `relocate` first. This needs no term, because
    the bindings themselves are fenced.
    """
    requeue.release_due()
    lanes = [*waiting_lanes(), *suspects()]
    kept = [one for one in lanes if one.affinity]
    try:
        if kept:
            relocate(returning.settle(kept))
    finally:
        bound = _bind_anywhere() if lanes else 0
    return bound


def _candidate(instance: str, lane: Lane, current: Snapshot) -> Candidate | None:
    if lane.slots:
        return None  # B6d
    candidates = plan(current.need(lane), current.topology, now()).candidates
    return next((one for one in candidates if one.instance.name == instance), None)


def bind_at(
    instance: str,
    lanes: Sequence[Lane],
    current: Snapshot,
    *,
    suspect: bool = False,
    idle: bool = False,
    window: int | None = None,
) -> list[BoundJob]:
    """Bind waiting jobs of these lanes to an instance, and send them; return them.

    It gets up to its window, or to another one, or only as many as it has ``idle`` slots.
    """
    place = _place(instance, current, idle=idle, window=window)
    bound = bind_lanes(place, lanes, current, suspect=suspect) if place else []
    if place and place.peer:
        # They are sent again and again until the peer answers (P1).
        remote_sending.send(place.peer, bound)
    else:
        send_bound(bound)
    return bound


def _place(
    instance: str, current: Snapshot, *, idle: bool = False, window: int | None = None
) -> Place | None:
    """Return an instance as a place to bind to: up to a window, or only to its ``idle`` slots."""
    found = current.topology.instance(instance)
    if found is None:
        return None
    return Place(
        instance=found.name,
        incarnation=found.incarnation,
        window=window or room_of(instance, current, idle=idle),
        version=current.version,
        peer=found.peer,
    )


def send_bound(bound: Sequence[BoundJob]) -> None:
    """Send bound jobs to their instances."""
    if bound:
        current = snapshot()
        send([(job, task_of(job, current)) for job in bound])


def task_of(job: BoundJob, current: Snapshot) -> str:
    """Return the task that the job's instance announced, or the builtin task that runs it."""
    if job.task in BUILTIN_TASKS:
        return job.task
    instance = current.topology.instance(job.instance)
    consumer = consumer_for(instance, job.topic) if instance else None
    return consumer.task if consumer else job.task
