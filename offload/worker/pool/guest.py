"""Runs in a process that is not a worker's: a site's tests, to which connections belong."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_guest: ContextVar[bool] = ContextVar("offload_guest", default=False)


@contextmanager
def as_guest() -> Iterator[None]:
    """Leave to the caller, for a block, what a worker does with a process of its own."""
    token = _guest.set(True)
    try:
        yield
    finally:
        _guest.reset(token)


def is_guest() -> bool:
    """Return whether this process belongs to whoever called for the run."""
    return _guest.get()
