"""Waiting for rows to change, by polling."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")

#: Seconds between two polls: the first and the longest pause.
ENDED_POLL_SECONDS = (0.005, 0.25)


def until(look: Callable[[], Found | None], timeout: float | None) -> Found | None:
    """Return the first value of ``look`` that is not None, or None after ``timeout`` seconds."""
    deadline = None if timeout is None else time.monotonic() + timeout
    pause, longest = ENDED_POLL_SECONDS
    while (found := look()) is None:
        if deadline is not None and time.monotonic() >= deadline:
            return None
        time.sleep(pause)
        pause = min(pause * 1.5, longest)
    return found
