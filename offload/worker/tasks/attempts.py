"""The attempt that this context makes, between its claim and its end."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery.exceptions import Ignore

from offload.core.envelopes import HEADER

if TYPE_CHECKING:
    from offload.canvas.freezing.context import Running
    from offload.jobs.claims import MessageFacts
    from offload.worker.pool.watch import SessionWatch
    from offload.worker.tasks.current import CurrentJob
    from offload.worker.tasks.task import OffloadTask


class NotMine(Ignore):
    """This message is not the one to run: its job has moved on, or its end was another's."""


class NotBegun(Ignore):
    """Something went wrong before the claim: whoever hears of it counts it as an attempt (R12)."""

    def __init__(self, cause: str, told: str) -> None:
        """Keep what happened, in a form that goes from process to process."""
        super().__init__(cause, told)
        self.cause = cause
        self.told = told


@dataclass(slots=True, kw_only=True)
class TracedAttempt:
    """A claimed job on its way through Celery's tracer."""

    #: What consumes the job's topic here.
    task: OffloadTask
    job: CurrentJob
    facts: MessageFacts
    #: What code that submits runs in, until the end is written.
    here: Running
    #: The database sessions that the run is given.
    watch: SessionWatch
    #: As the row has them.
    args: tuple[Any, ...]
    properties: dict[str, Any]
    #: What went wrong before the task's function was called: in a hook, or in reading the row.
    error: BaseException | None = None
    #: Whether the task's function was called, or was not to be any more.
    is_run: bool = False


current: ContextVar[TracedAttempt | None] = ContextVar("offload_attempt", default=None)


def attempt_of(task: Any) -> TracedAttempt | None:
    """Return the attempt that a task's present request belongs to, if it is one (R3)."""
    attempt, request = current.get(), task.request
    if attempt is None or not request.get(HEADER) or request.is_eager:
        return None
    return attempt if attempt.job.id == request.id else None
