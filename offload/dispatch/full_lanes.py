"""Lanes that had no idle slot a moment ago: submitting a job does not look again at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.placement.lanes import Lane

#: Seconds for which submitting skips a lane that found no idle slot. Agents look again that long
#: after a run has ended, so that a job submitted in between does not wait.
FULL_LANE_SECONDS = 0.05
#: Maximum number of such lanes remembered.
FULL_LANES_MAX = 1000


@dataclass(slots=True)
class FullLanes:
    """Remembers the lanes that found no idle slot."""

    #: Returns seconds that only grow.
    clock: Callable[[], float] = monotonic
    _until: dict[Lane, float] = field(default_factory=dict)

    def has(self, lane: Lane) -> bool:
        """Return whether the lane was full a moment ago."""
        return self._until.get(lane, -math.inf) > self.clock()

    def note(self, lane: Lane) -> None:
        """Remember the lane as full for a moment."""
        if len(self._until) >= FULL_LANES_MAX:
            self._until.clear()
        self._until[lane] = self.clock() + FULL_LANE_SECONDS

    def clear(self) -> None:
        """Forget all lanes."""
        self._until.clear()


#: The full lanes of this process: jobs are submitted from anywhere in it.
full_lanes = FullLanes()
