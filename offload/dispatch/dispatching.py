"""Binding what waits to who can run it now, and sending it there."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.placement.admission import UNUSED, admit
from offload.core.placement.routing import Candidate, Need, Route, Unroutable, plan, route
from offload.dispatch.sending import send
from offload.fleet.duties import Duty
from offload.fleet.snapshots import Snapshot, now, snapshot
from offload.messaging.names import BUILTIN_TASKS
from offload.messaging.publisher import breaker
from offload.tracking import limits, requeue
from offload.tracking.bindings import BoundJob, Place, bind, insert_bound
from offload.tracking.queries import loads_by_instance, suspects, waiting_lanes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from offload.core.placement.admission import Allowance
    from offload.core.placement.lanes import Lane
    from offload.tracking.drafts import Draft

#: Seconds for which a lane that found no idle slot is not tried again at submit. Agents look that
#: long after a run has ended once more, so that nobody waits who came in between.
FULL_LANE_SECONDS = 0.05
#: Lanes of which that is remembered.
FULL_LANES_MAX = 1000
_full: dict[Lane, float] = {}


def offer(lanes: Iterable[Lane]) -> int:
    """Bind what waits in these lanes right after it was submitted; return how many were bound.

    Only to instances with an idle slot: behind a busy one a job waits better in the database,
    for whoever is free first, and agents bind in batches. Stops after the time the settings
    give, and binds nothing while the broker is out of reach: the sweep does the rest.
    """
    deadline = monotonic() + settings().bind_limit
    count = 0
    for lane in lanes:
        if breaker.is_open or monotonic() > deadline:
            break
        if not _is_full(lane):
            count += _offer(lane, deadline)
    return count


def store_bound(draft: Draft) -> tuple[bool, list[BoundJob]] | None:
    """Store a draft, bound at once if an instance has room.

    Return whether it was new, and what is to be sent; or None, with nothing stored, where the
    job has to wait.
    """
    lane = draft.lane
    seen = snapshot()
    if breaker.is_open or _is_full(lane) or not _most(lane, seen).is_unlimited:
        return None
    found, _ = _route(lane, seen, 0)
    place = _place(found.instance, seen, idle=True) if isinstance(found, Route) else None
    return insert_bound(place, draft) if place else None


def _most(lane: Lane, seen: Snapshot) -> Allowance:
    """Return what may be bound from a lane's queue at most, whatever is bound from it."""
    return admit(seen.policy(lane.queue), UNUSED, now())


def _is_full(lane: Lane) -> bool:
    return _full.get(lane, 0.0) > monotonic()


def _offer(lane: Lane, deadline: float) -> int:
    count, misses = 0, 0
    while monotonic() < deadline:
        seen = snapshot(fresh=misses > 0)
        if not _most(lane, seen).is_open:
            break
        found, load = _route(lane, seen, count)
        if not isinstance(found, Route) or misses > 1:
            _note_full(lane)
            break
        bound = _bind_at(found.instance, [lane], seen, idle=True)
        count += len(bound)
        misses = 0 if bound else misses + 1
        idle = _room(found.instance, seen, idle=True) - load.get(found.instance, 0)
        if bound and (len(bound) < idle or len(found.candidates) == 1):
            break
    return count


def _note_full(lane: Lane) -> None:
    if len(_full) >= FULL_LANES_MAX:
        _full.clear()
    _full[lane] = monotonic() + FULL_LANE_SECONDS


def _route(lane: Lane, seen: Snapshot, cursor: int) -> tuple[Route | Unroutable, Mapping[str, int]]:
    """Return who is to run a lane; only where there is a choice does it matter who has room."""
    need, moment = lane.need, now()
    choice = len(plan(need, seen.topology, moment).candidates) > 1
    load = loads_by_instance() if choice else {}
    return route(need, seen.topology, load, now=moment, cursor=cursor), load


def _room(instance: str, seen: Snapshot, *, idle: bool) -> int:
    """Return how many jobs an instance may hold, or how many it runs at once."""
    found = seen.topology.instance(instance)
    if found is None:
        return 0
    return min(found.concurrency, found.window) if idle else found.window


def refill(instance: str) -> int:
    """Bind what waits and this instance may run, up to its window; return how many.

    A suspect of a crash comes first: behind a backlog that fills the window it would wait for ever.
    """
    seen = snapshot()
    lanes = waiting_lanes()
    count = _refill_suspects(instance, seen)
    found = _refill(instance, lanes, seen)
    if lanes and not found:
        found = _refill_anew(instance, lanes, seen)
    return count + found


def _refill(instance: str, lanes: Sequence[Lane], seen: Snapshot) -> int:
    mine = [lane for lane in lanes if _candidate(instance, lane, seen)]
    return len(_bind_at(instance, mine, seen)) if mine else 0


def _refill_anew(instance: str, lanes: Sequence[Lane], seen: Snapshot) -> int:
    """Do it again where nothing was bound because the topology has moved on."""
    fresh = snapshot(fresh=True)
    return _refill(instance, lanes, fresh) if fresh.version != seen.version else 0


def _refill_suspects(instance: str, seen: Snapshot) -> int:
    """Bind one suspect of a crash, from the first lane that has one to be bound here."""
    place = _place(instance, seen)
    mine = [lane for lane in suspects(place) if _candidate(instance, lane, seen)] if place else []
    tried = (len(_bind_at(instance, [lane], seen, suspect=True)) for lane in mine)
    return next(filter(None, tried), 0)


def sweep() -> int:
    """Bind whatever waits in any lane to any instance that can run it; return how many."""
    if not waiting_lanes() and not suspects():
        return 0
    load = loads_by_instance()
    live = snapshot().topology.live
    return sum(refill(one.name) for one in live if load.get(one.name, 0) < one.window)


def bind_due() -> int:
    """Bind whatever waits, also what waited for its time until now; return how many.

    That needs no term: the bindings are fenced themselves.
    """
    requeue.release_due()
    return sweep()


BIND = Duty(name="bind", do=bind_due)


def _candidate(instance: str, lane: Lane, seen: Snapshot) -> Candidate | None:
    candidates = plan(lane.need, seen.topology, now()).candidates
    return next((one for one in candidates if one.instance.name == instance), None)


def _bind_at(
    instance: str,
    lanes: Sequence[Lane],
    seen: Snapshot,
    *,
    suspect: bool = False,
    idle: bool = False,
) -> list[BoundJob]:
    place = _place(instance, seen, idle=idle)
    bound = _bind(place, lanes, seen, suspect=suspect) if place else []
    send_bound(bound)
    return bound


def _place(instance: str, seen: Snapshot, *, idle: bool = False) -> Place | None:
    """Return an instance as a place to bind to, up to its window or its ``idle`` slots only."""
    found = seen.topology.instance(instance)
    if found is None:
        return None
    return Place(
        instance=found.name,
        incarnation=found.incarnation,
        window=_room(instance, seen, idle=idle),
        version=seen.version,
    )


def send_bound(bound: Sequence[BoundJob]) -> None:
    """Send bound jobs to their instances."""
    if bound:
        seen = snapshot()
        send([(job, task_of(job, seen)) for job in bound])


def _bind(place: Place, lanes: Sequence[Lane], seen: Snapshot, *, suspect: bool) -> list[BoundJob]:
    plain, bound = [], []
    for lane in lanes:
        most = _most(lane, seen)
        if most.is_unlimited:
            plain.append(lane)
        elif most.is_open:
            policy = seen.policy(lane.queue)
            bound += limits.bind_limited(place, lane, policy, now(), suspect=suspect)
    return bound + bind(place, plain, limit=place.window, suspect=suspect)


def task_of(job: BoundJob, seen: Snapshot) -> str:
    """Return the name under which the job's instance announced its consumer, or what carries it."""
    if job.task in BUILTIN_TASKS:
        return job.task
    topology = seen.topology
    candidates = plan(Need(topic=job.topic), topology, now()).candidates
    for one in candidates:
        if one.instance.name == job.instance:
            return one.consumer.task
    return job.task
