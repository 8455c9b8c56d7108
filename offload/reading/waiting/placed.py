"""Why a job waits whose run is to stay together at one instance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from offload.core.placement.affinity import Avoidance, Return
from offload.core.placement.lanes import Lane
from offload.core.placement.reasons import Obstacle
from offload.core.workflows.placements import Placement
from offload.runs import placing

if TYPE_CHECKING:
    from offload.core.placement.affinity import Affinity
    from offload.models import Job
    from offload.reading.waiting.explanation import Explanation

    Found = TypeVar("Found", bound=Explanation)


def explained(job: Job, found: Found) -> Found:
    """Return the explanation of a job with the reason why its run's place does not change.

    If the run has no place, each instance's verdict is about all that is left of the run.
    """
    kept, row = Lane.parse(job.lane).affinity, job.run
    if lost := "" if job.is_finished else _lost(kept, found.instance):
        return replace(found, sentence=f"{found.sentence} {lost}")
    if kept is None or not kept.for_good or row is None or found.instance or not row.led:
        return found
    if job.is_finished or row.placement not in placing.PLACED:
        return found
    every = placing.able(row, *row.led)
    if every.candidates:
        return replace(found, sentence=f"{found.sentence} Its run is placed anew in a moment.")
    where = f"is placed at {kept.instance}" if kept.instance else "has no place yet"
    is_whole = row.placement == Placement.PEER
    what = "It is its whole run, which" if is_whole else "It stays together with its run, which"
    sentence = f"{what} {where}. {every.problem}"
    known = {one.instance: one for one in every.verdicts}
    verdicts = tuple(
        known.get(one.instance, one) if _is_about_place(one.reason) else one
        for one in found.verdicts
    )
    return replace(found, sentence=sentence, verdicts=verdicts)


def _lost(kept: Affinity | None, instance: str | None) -> str:
    """Return a sentence about where a job was lost before, if that decides where it runs."""
    if isinstance(kept, Avoidance) and instance in kept.names:
        return f"It was lost at {instance} before, and no other instance can run it."
    return kept.sentence if isinstance(kept, Return) and not instance else ""


def _is_about_place(reason: object) -> bool:
    obstacle = getattr(reason, "obstacle", None)
    return obstacle in (Obstacle.UNPLACED, Obstacle.PLACED_ELSEWHERE)
