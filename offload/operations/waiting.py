"""Waiting for rows to change, by looking again and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Seen = TypeVar("Seen")

#: Seconds between two looks: from the first to the largest.
LOOK_SECONDS = (0.005, 0.25)


def until(look: Callable[[], Seen | None], timeout: float | None) -> Seen | None:
    """Return what ``look`` returns once that is not None; None after ``timeout`` seconds."""
    deadline = None if timeout is None else time.monotonic() + timeout
    pause, longest = LOOK_SECONDS
    while (seen := look()) is None:
        if deadline is not None and time.monotonic() >= deadline:
            return None
        time.sleep(pause)
        pause = min(pause * 1.5, longest)
    return seen
