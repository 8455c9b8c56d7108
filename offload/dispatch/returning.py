"""Lost jobs that waited long enough for their instance to come back: freed, or ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.matching.rescue import Rescue
from offload.core.placement.affinity import Avoidance, Return
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
    for it, however long that takes.
    """
    others = []
    for lane in kept:
        if isinstance(lane.affinity, Return):
            _settle(lane, lane.affinity)
        elif not isinstance(lane.affinity, Avoidance):
            others.append(lane)
    return others


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
