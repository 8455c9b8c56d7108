"""Sending bound jobs; a job that cannot be encoded as a message ends with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from offload.core.texts import place_of
from offload.fleet.snapshots import snapshot
from offload.messaging.publisher import publish
from offload.tracking import terminations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.fleet.snapshots import Snapshot
    from offload.tracking.binding.bindings import BoundJob


def send(jobs: Sequence[tuple[BoundJob, str]]) -> None:
    """Send each bound job to its instance under this task name."""
    if not jobs:
        return
    current = snapshot()
    marked = [(_marked(job, current), task) for job, task in jobs]
    for job_id, problem in publish(marked).items():
        terminations.give_up(
            [job_id],
            state="ERROR",
            error_type=place_of(type(problem)),
            error=f"its message cannot be encoded: {problem!r}",
        )


def _marked(job: BoundJob, current: Snapshot) -> BoundJob:
    """Return the job, marked with whether its queue is ordered or limited now."""
    return replace(job, is_limited=True) if current.policy(job.queue).is_limited else job
