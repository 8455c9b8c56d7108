"""Sending bound jobs: those that no message can be made of end with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.engine.publisher import publish
from offload.engine.tracking import ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.engine.tracking.bindings import Bound


def send(jobs: Sequence[tuple[Bound, str]]) -> None:
    """Send each bound job to its instance under this task name."""
    for job_id, problem in publish(jobs).items():
        kind = type(problem)
        ends.give_up(
            [job_id],
            state="ERROR",
            error_type=f"{kind.__module__}.{kind.__qualname__}",
            error=f"its message cannot be encoded: {problem!r}",
        )
