"""Runs in a process that is not a worker's: a site's tests, which own the connections."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_guest: ContextVar[bool] = ContextVar("offload_guest", default=False)


@contextmanager
def as_guest() -> Iterator[None]:
    """Leave process-wide state, such as connections, to the caller during a block."""
    token = _guest.set(True)
    try:
        yield
    finally:
        _guest.reset(token)


def is_guest() -> bool:
    """Return whether this process belongs to the caller."""
    return _guest.get()
