"""The gate of a job that takes several places: whether they are kept free for it, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.admission.gates import GateVerdict
from offload.core.placement.lanes import Lane
from offload.core.placement.reservations import room
from offload.core.states import JobState, Waiting
from offload.tracking.queries import loads_by_instance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.placement.reservations import Reserved
    from offload.fleet.snapshots import Snapshot
    from offload.models import Job


def gates(job: Job | None, current: Snapshot) -> Iterator[GateVerdict]:
    """Yield the gate of a waiting job that takes several places; nothing for any other."""
    lane = Lane.parse(job.lane) if job and job.state == JobState.PENDING else None
    if lane is None or lane.slots is None:
        return
    mine = [one for one in current.reservations if one.lane == lane and not one.job]
    waits = [one for one in mine if one.waits]
    said = " ".join(_state_of(one, current) for one in waits)
    nobody = "The leader looks for an instance to keep free for it."
    rests = "Places were kept free for it in vain, and other jobs have their turn."
    why = said or (rests if mine else nobody)
    yield GateVerdict(
        gate="slots",
        n=0,
        waiting=Waiting.WINDOW_FULL,
        why=f"It takes {lane.slots}. {why}",
        fact=f"It takes {lane.slots}. {why}",
        again_at=mine[0].until if mine and not waits else None,
    )


def _state_of(one: Reserved, current: Snapshot) -> str:
    instance = current.topology.instance(one.instance)
    free = max(0, room(instance, loads_by_instance(), current.reservations)) if instance else 0
    until = f" until {one.until:%Y-%m-%d %H:%M:%S %Z}" if one.until else ""
    return f"{one.instance} is kept free for it{until}: {free} of {one.places} places are free."
