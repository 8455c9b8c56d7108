"""The attempt of this context, between its claim and its end."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery.exceptions import Ignore

from offload.core.envelopes import HEADER

if TYPE_CHECKING:
    from celery.canvas import Signature

    from offload.canvas.freezing.context import Running
    from offload.core.outcomes import PreparedEnd
    from offload.jobs.claims import MessageFacts
    from offload.worker.pool.session_watch import SessionWatch
    from offload.worker.tasks.current_job import CurrentJob
    from offload.worker.tasks.task import OffloadTask


class NotMine(Ignore):
    """This message is not the one to run: its job has moved on, or another attempt ended it."""


class NotBegun(Ignore):
    """Something failed before the claim; it counts as an attempt (R12)."""

    def __init__(self, cause: str, detail: str) -> None:
        """Keep the problem in a form that can be passed between processes."""
        super().__init__(cause, detail)
        self.cause = cause
        self.detail = detail


class ReplacedBy(Ignore):
    """A run put a canvas in its place; the last node of it carries the job's id."""

    def __init__(self, signature: Signature[Any]) -> None:
        """Keep the canvas."""
        super().__init__("replaced")
        self.signature = signature


@dataclass(slots=True, kw_only=True)
class TracedAttempt:
    """A claimed job on its way through Celery's tracer."""

    #: The task that runs the job.
    task: OffloadTask
    job: CurrentJob
    facts: MessageFacts
    #: The context of submissions, until the end is written.
    running_job: Running
    #: The database sessions of the run.
    watch: SessionWatch
    #: Arguments from the row.
    args: tuple[Any, ...]
    properties: dict[str, Any]
    #: The error from before the call of the task's function: in a hook, or in reading the row.
    error: BaseException | None = None
    #: Whether the task's function was called, or must not be called any more.
    is_run: bool = False
    #: Whether its agent claimed it, and may end it together with others.
    is_granted: bool = False
    #: The end that the agent is to write.
    end: PreparedEnd | None = None


current: ContextVar[TracedAttempt | None] = ContextVar("offload_attempt", default=None)


def attempt_of(task: Any) -> TracedAttempt | None:
    """Return the attempt of a task's current request, if it has one (R3)."""
    attempt, request = current.get(), task.request
    if attempt is None or not request.get(HEADER) or request.is_eager:
        return None
    return attempt if attempt.job.id == request.id else None
