"""What code that submits runs in: a job, a transaction of ours, the row something comes from."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """A run's wish to be run again: what `self.retry` sent under its own id."""

    args: Sequence[Any]
    properties: Mapping[str, Any]
    #: Seconds from now.
    delay: float
    retries: int


@dataclass(slots=True, kw_only=True)
class Running:
    """The job that runs in this context, and what it asked for meanwhile."""

    id: str
    epoch: int
    priority: int = 0
    continuation: Continuation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What rows inherit from the row they follow."""

    run_id: str | None = None
    payload_id: str | None = None
    parent_id: str = ""
    root_id: str = ""


#: Set by the worker while a claimed job runs.
running: ContextVar[Running | None] = ContextVar("offload_running", default=None)
origin: ContextVar[Origin | None] = ContextVar("offload_origin", default=None)


@contextmanager
def coming_from(source: Origin) -> Iterator[None]:
    """Let rows submitted in the block inherit from this."""
    token = origin.set(source)
    try:
        yield
    finally:
        origin.reset(token)
