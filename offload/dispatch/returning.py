"""Jobs that wait for an instance to come back, or for another job to get one: freed, or ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.matching.rescue import Rescue
from offload.core.placement.affinity import Affinity, Avoidance, Beside, Return
from offload.core.placement.routing import plan
from offload.core.states import JobState
from offload.fleet.snapshots import now, snapshot
from offload.tracking import lane_changes, terminations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.placement.lanes import Lane

SENTENCE = (
    "It was lost at {name}, which was not back by {when}. It runs nowhere else: rescue is "
    f"{Rescue.SAME_OR_ERROR}"
)


def settle(kept: Sequence[Lane]) -> list[Lane]:
    """Free or end what waits in these lanes for an instance that is not back in time.

    Return the lanes of the others that are kept to an instance. While it can run them, jobs wait
    for it, however long that takes. Jobs that are to be near another one are kept to its instance
    once it has one.
    """
    others = []
    asked = {lane.affinity.job for lane in kept if isinstance(lane.affinity, Beside)}
    where = lane_changes.instances_of(sorted(asked)) if asked else {}
    for lane in kept:
        if isinstance(lane.affinity, Beside):
            _join(lane, lane.affinity, where.get(lane.affinity.job))
            continue
        if isinstance(lane.affinity, Return):
            _settle(lane, lane.affinity)
        elif not isinstance(lane.affinity, Avoidance):
            others.append(lane)
    return others


def _join(lane: Lane, beside: Beside, instance: str | None) -> None:
    """Keep jobs to the instance of another one; free them if that can get none any more."""
    if instance:
        kept = Affinity(instance=instance, seconds=beside.seconds)
        lane_changes.keep_lane(lane, kept)
    else:
        lane_changes.lift([lane], at_once=instance is None)


def _settle(lane: Lane, awaited: Return) -> None:
    moment = now()
    if moment.timestamp() < awaited.until:
        return
    if plan(snapshot().need(lane), snapshot().topology, moment).candidates:
        return
    if not awaited.ends:
        lane_changes.lift([lane], at_once=True)
        return
    said = SENTENCE.format(name=awaited.instance, when=awaited.when)
    ids = lane_changes.ids_in(lane)
    terminations.give_up(ids, state=JobState.ERROR, error_type="", error=said)
