"""Binding jobs that take several places: the leader keeps an instance free until they fit.

A reservation is part of the topology, so a binding that was decided before does nothing (B6d).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from offload.core.placement.planning import plan
from offload.core.placement.reservations import Reserved, choose, room
from offload.core.retries import Cause
from offload.dispatch.dispatching import bind_at
from offload.fleet.duties import Duty
from offload.fleet.leadership import leading
from offload.fleet.snapshots import now, snapshot
from offload.models import Job
from offload.models import Reservation as Row
from offload.models.versions import raise_version
from offload.tracking import requeue, selectors
from offload.tracking.binding import queue_limits, slots
from offload.tracking.queries import (
    count_waiting,
    loads_by_instance,
    suspects,
    unstarted_lanes,
    waiting_lanes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.placement.lanes import Lane
    from offload.core.placement.topology import InstanceInfo
    from offload.fleet.leadership import Term

#: How long an instance is kept free in vain, and how long others have their turn then.
KEPT_FREE, REST = timedelta(minutes=10), timedelta(minutes=2)
#: Rounds at most, each of which may bind one more job at each instance.
ROUNDS_MAX = 20
#: Waiting jobs of one lane that places are looked for at once.
JOBS_AT_ONCE = 50


def reserve(term: Term) -> int:
    """Keep places free for jobs that take several, and bind those that fit; return how many.

    Without such jobs it asks which lanes wait, and nothing more.
    """
    count = 0
    for _ in range(ROUNDS_MAX):
        bound = _once(term)
        count += bound
        if not bound:
            break
    return count


def _once(term: Term) -> int:
    """Keep one more set of places free at each instance that can be chosen, and bind what fits."""
    lanes = [one for one in dict.fromkeys((*waiting_lanes(), *suspects())) if one.slots]
    if not lanes and not snapshot().reservations:
        return 0
    with leading(term):
        changed, known = _settle(snapshot(fresh=True).reservations, lanes)
        if changed + _reserve(lanes, known):
            raise_version()
    pending = [one for one in snapshot(fresh=True).reservations if one.waits]
    return sum(_bind(term, one) for one in pending)


RESERVE = Duty(name="reserve", do=reserve, every=1.0, needs_term=True)


def _settle(known: Sequence[Reserved], lanes: Sequence[Lane]) -> tuple[int, list[Reserved]]:
    """End what is over; return of how many the topology must know, and what is left."""
    held = _held([one.job for one in known if one.job])
    over = [one for one in known if one.job and held.get(one.job) != one.instance]
    rested = [one for one in known if one.rests and _is_past(one)]
    idle = [one for one in known if one.waits and not _is_wanted(one, lanes)]
    late = [one for one in known if one.waits and one not in idle and _is_past(one)]
    gone, until = [*over, *rested, *idle], now() + REST
    Row.objects.filter(pk__in=[one.id for one in gone]).delete()
    Row.objects.filter(pk__in=[one.id for one in late]).update(rests=True, until=until)
    left = [replace(one, rests=True, until=until) if one in late else one for one in known]
    return len(over) + len(idle) + len(late), [one for one in left if one not in gone]


def _held(jobs: Sequence[str]) -> dict[str, str]:
    """Return where the jobs among these are that still occupy their places."""
    return dict(Job.objects.ids(jobs).bound().values_list("pk", "instance")) if jobs else {}


def _is_past(one: Reserved) -> bool:
    return one.until is not None and one.until <= now()


def _is_wanted(one: Reserved, lanes: Sequence[Lane]) -> bool:
    able = [each.name for each in _candidates(one.lane)]
    return one.lane in lanes and one.instance in able and _is_open(one.lane)


def _is_open(lane: Lane) -> bool:
    return queue_limits.allowed(snapshot().policy(lane.queue), now()).is_open


def _candidates(lane: Lane) -> list[InstanceInfo]:
    current = snapshot()
    return [one.instance for one in plan(current.need(lane), current.topology, now()).candidates]


def _reserve(lanes: Sequence[Lane], known: list[Reserved]) -> int:
    """Keep places free for the jobs of these lanes, as far as there are any; return for how many.

    What has not begun at an instance without room goes elsewhere.
    """
    load, made = loads_by_instance() if lanes else {}, 0
    for lane in lanes:
        count = _waiting(lane, known) if _is_open(lane) else 0
        for _ in range(count):
            chosen = choose(snapshot().need(lane), _candidates(lane), load, known)
            places = lane.slots.places_at(chosen) if chosen and lane.slots else None
            if chosen is None or places is None:
                break
            is_full = room(chosen, load, known) < places
            known.append(_store(lane, chosen, places))
            made += 1
            if is_full:
                _take_back(chosen.name)
    return made


def _take_back(instance: str) -> None:
    """Take back what has not begun at an instance, but for jobs that have places of their own."""
    others = [one for one in unstarted_lanes(instance) if not one.slots]
    if others:
        requeue.recall(selectors.of_lanes(instance, others), cause=Cause.REFUSED)


def _waiting(lane: Lane, known: Sequence[Reserved]) -> int:
    """Return for how many more jobs of a lane places are wanted."""
    mine = [one for one in known if one.lane == lane]
    if any(one.rests for one in mine):
        return 0
    return count_waiting(lane, JOBS_AT_ONCE) - sum(one.waits for one in mine)


def _store(lane: Lane, instance: InstanceInfo, places: int) -> Reserved:
    row = Row.objects.create(
        instance=instance.name, lane=str(lane), places=places, until=now() + KEPT_FREE
    )
    # B8a: what was decided before is bound by now, or never.
    slots.keep_bindings_out([instance.name])
    return Reserved(id=row.pk, instance=row.instance, lane=lane, places=places, until=row.until)


def _bind(term: Term, one: Reserved) -> int:
    """Bind a job to the places that are kept for it, once they are free; return how many."""
    current, load = snapshot(), loads_by_instance()
    instance = current.topology.instance(one.instance)
    if instance is None or room(instance, load, current.reservations) < one.places:
        return 0
    # Exactly one: it is counted as one, and its reservation has the others.
    window = load.get(one.instance, 0) + 1
    bound = bind_at(one.instance, [one.lane], current, window=window) or bind_at(
        one.instance, [one.lane], current, window=window, suspect=True
    )
    if bound:
        with leading(term):
            Row.objects.filter(pk=one.id).update(job=bound[0].id, until=None)
            raise_version()
        snapshot(fresh=True)
    return len(bound)
