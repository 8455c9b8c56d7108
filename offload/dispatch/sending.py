"""Sending bound jobs: those that no message can be made of end with the reason."""

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
    from offload.tracking.bindings import BoundJob


def send(jobs: Sequence[tuple[BoundJob, str]]) -> None:
    """Send each bound job to its instance under this task name."""
    if not jobs:
        return
    seen = snapshot()
    marked = [(_marked(job, seen), task) for job, task in jobs]
    for job_id, problem in publish(marked).items():
        terminations.give_up(
            [job_id],
            state="ERROR",
            error_type=place_of(type(problem)),
            error=f"its message cannot be encoded: {problem!r}",
        )


def _marked(job: BoundJob, seen: Snapshot) -> BoundJob:
    """Return a job that says whether its queue is ordered or limited, as it is now."""
    return job if seen.policy(job.queue).limit is None else replace(job, is_limited=True)
