"""The context of submitting code: its job, and the row that new jobs follow."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from celery.exceptions import Retry

from offload.core.placement.affinity import Affinity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """A run's request to be run again, sent by ``self.retry`` under the run's own id."""

    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    #: Seconds from now.
    delay: float
    retries: int
    #: Options that the run gave again; the others stay unchanged.
    options: Mapping[str, Any] = field(default_factory=dict)
    #: Seconds from now after which it must not begin; None leaves that unchanged.
    expires_in: float | None = None


@dataclass(slots=True, kw_only=True)
class Running:
    """The job that runs in this context, and the retry that it asked for."""

    id: str
    epoch: int
    root_id: str = ""
    #: As given to Celery; the job's own submissions may inherit it.
    priority: int | None = None
    #: The instance that runs it.
    instance: str = ""
    #: The same if its run stays together; else "".
    place: str = ""
    continuation: Continuation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Values that a row inherits from the row it follows."""

    run_id: str | None = None
    payload_id: str | None = None
    parent_id: str = ""
    root_id: str = ""
    #: A word that their lanes have beside their own needs.
    need: str = ""


#: Set by the worker while a claimed job runs.
running: ContextVar[Running | None] = ContextVar("offload_running", default=None)
#: Set while a row's successors, or the first steps of a workflow's run, are submitted.
origin: ContextVar[Origin | None] = ContextVar("offload_origin", default=None)


def place_of(options: Mapping[str, Any], instance: str) -> str:
    """Return the instance that runs a job with these options; "" unless its run stays together."""
    kept = Affinity.parse(options.get("affinity") or "")
    return instance if kept and kept.for_good else ""


def continuation() -> Continuation | None:
    """Return the retry that the running job sent under its own id, if any."""
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
    """Return the error itself, or the failure that a Retry without a time stands for.

    Celery raises it in a task that is called directly, as a callback is, or an item of a map:
    there is no message that could be sent again, so the run has failed.
    """
    if not isinstance(error, Retry) or error.when is not None or continuation() is not None:
        return error
    if isinstance(error.exc, Exception):
        return error.exc
    return RuntimeError("Retry was raised with no time to retry at, and by no run's own retry()")
