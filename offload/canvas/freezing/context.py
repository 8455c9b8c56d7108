"""The context of code that submits: its job, and the row that new jobs follow."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from celery.exceptions import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """A run's wish to be run again: what ``self.retry`` sent under the run's own id."""

    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    #: Seconds from now.
    delay: float
    retries: int
    #: Options that the run gave anew; the others stay as they are.
    options: Mapping[str, Any] = field(default_factory=dict)
    #: Seconds from now after which it is not to begin; None where that stays as it is.
    expires_in: float | None = None


@dataclass(slots=True, kw_only=True)
class Running:
    """The job that runs in this context, and what it asked for meanwhile."""

    id: str
    epoch: int
    root_id: str = ""
    #: As Celery was given it; what the job submits may inherit it.
    priority: int | None = None
    continuation: Continuation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Values that a row inherits from the row it follows."""

    run_id: str | None = None
    payload_id: str | None = None
    parent_id: str = ""
    root_id: str = ""


#: Set by the worker while a claimed job runs.
running: ContextVar[Running | None] = ContextVar("offload_running", default=None)
#: Set while what follows a row, or what begins a run of a workflow, is submitted.
origin: ContextVar[Origin | None] = ContextVar("offload_origin", default=None)


def continuation() -> Continuation | None:
    """Return what the job that runs here sent under its own id."""
    job = running.get()
    return job.continuation if job else None


@contextmanager
def coming_from(source: Origin) -> Iterator[None]:
    """Let what the block submits follow this row."""
    token = origin.set(source)
    try:
        yield
    finally:
        origin.reset(token)


def meant(error: BaseException) -> BaseException:
    """Return what a Retry stands for that says no time, and that no `self.retry` sent.

    Celery raises it in a task that is called directly, as a callback is, or an item of a map:
    there is no message that could be sent again, so the run has failed.
    """
    if not isinstance(error, Retry) or error.when is not None or continuation() is not None:
        return error
    if isinstance(error.exc, Exception):
        return error.exc
    return RuntimeError("Retry was raised with no time to retry at, and by no run's own retry()")
