"""Reservations: places of an instance that are kept free for a job that takes several."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from offload.core.placement.cluster_order import score
from offload.core.placement.reasons import Obstacle, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from offload.core.matching.job_slots import Slots
    from offload.core.placement.cluster_order import Load
    from offload.core.placement.judgement import Need
    from offload.core.placement.lanes import Lane
    from offload.core.placement.topology import InstanceInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """Places of an instance that one job of a lane has, or gets."""

    id: int
    instance: str
    lane: Lane
    places: int
    # The job that has them; empty while they are kept free.
    job: str = ""
    # When it ends unless a job was bound, or when the lane may have the next one.
    until: datetime | None = None
    # Whether it ended in vain: others have their turn until then.
    rests: bool = False

    @property
    def waits(self) -> bool:
        """Tell whether its instance gets nothing new meanwhile."""
        return not self.job and not self.rests


def with_reservations(instance: InstanceInfo, reservations: Iterable[Reserved]) -> InstanceInfo:
    """Return an instance with the window that these reservations leave it."""
    mine = [one for one in reservations if one.instance == instance.name and not one.rests]
    if not mine:
        return instance
    waits = next((one for one in mine if one.waits), None)
    taken = beyond_one(mine)
    return replace(
        instance,
        # Behind them, no process is free for what would wait in the window.
        window=max(1, min(instance.window, instance.concurrency) - taken),
        kept_for="" if waits is None else f"{waits.lane.topic}, which takes {waits.lane.slots}",
        kept_until=waits.until if waits else None,
    )


def beyond_one(reservations: Iterable[Reserved]) -> int:
    """Return the places of jobs that have several, each beyond the one that counting counts."""
    return sum(one.places - 1 for one in reservations if one.job)


def room(instance: InstanceInfo, load: Load, reservations: Iterable[Reserved]) -> int:
    """Return how many places of an instance are free."""
    mine = [one for one in reservations if one.instance == instance.name]
    return instance.concurrency - load.get(instance.name, 0) - beyond_one(mine)


def choose(
    need: Need,
    candidates: Sequence[InstanceInfo],
    load: Load,
    reservations: Sequence[Reserved],
) -> InstanceInfo | None:
    """Return the instance whose places are to be kept for a job; None if it is nobody's turn.

    It is one with room, the preferred one first, or else the one that lacks least. Of those without
    room, half are left to other jobs.
    """
    waits = {one.instance for one in reservations if one.waits}
    left = [one for one in candidates if one.name not in waits]
    left.sort(key=lambda one: (-score(need.prefers, one), -room(one, load, reservations), one.name))
    roomy = [one for one in left if _lack(need, one, load, reservations) <= 0]
    if roomy:
        return roomy[0]
    if not left or len(waits) >= max(1, len(candidates) // 2):
        return None
    return min(left, key=lambda one: _lack(need, one, load, reservations))


def _lack(need: Need, instance: InstanceInfo, load: Load, reservations: Sequence[Reserved]) -> int:
    places = need.slots.places_at(instance) if need.slots else 1
    return (places or instance.concurrency) - room(instance, load, reservations)


def too_small(slots: Slots | None, instance: InstanceInfo) -> Reason | None:
    """Return the reason if a job that takes several places can have none of the instance."""
    if slots is None:
        return None
    if instance.is_remote:
        sentence = f"Places of {instance.name} are not kept for jobs of other clusters."
        return Reason(obstacle=Obstacle.TAKES_PLACES, detail=sentence)
    problem = slots.problem(instance)
    sentence = f"{instance.name} is too small: {problem}."
    return Reason(obstacle=Obstacle.UNMET, detail=sentence) if problem else None


def kept_free(slots: Slots | None, instance: InstanceInfo) -> Reason | None:
    """Return the reason if the instance is kept free for a job that takes several places."""
    if slots or not instance.kept_for:
        return None
    until = f" until {instance.kept_until:%Y-%m-%d %H:%M:%S %Z}" if instance.kept_until else ""
    sentence = f"{instance.name} is kept free{until} for a job of {instance.kept_for}."
    return Reason(obstacle=Obstacle.RESERVED, detail=sentence)
