"""Waiting in tests: looking again and again, up to a generous limit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: Seconds between two looks.
POLL = 0.02


def eventually(look: Callable[[], T | None], *, within: float = 60.0, what: str = "") -> T:
    """Return what `look` returns as soon as it is true; raise AssertionError after `within` s."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what or look} is {seen!r} after {within:g} s")
        time.sleep(POLL)
    return seen
