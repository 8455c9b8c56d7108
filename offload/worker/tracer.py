"""A wrapper of Celery's tracer for tasks that are jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.envelopes import HEADER
from offload.core.lazy import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.worker.tasks.task import OffloadTask

TRACE = "offload.worker.pool.tracing:trace"


class Tracer:
    """A tracer of a task that first claims the job of a message."""

    def __init__(self, task: OffloadTask, inner: Callable[..., Any]) -> None:
        """Wrap Celery's own tracer of the task."""
        self._task = task
        self.inner = inner

    def __call__(
        self, task_id: str, args: Any, kwargs: Any, request: dict[str, Any] | None = None
    ) -> Any:
        """Trace a run; for a job's message, claim the job first."""
        if not (request or {}).get(HEADER):
            return self.inner(task_id, args, kwargs, request)
        return load(TRACE)(self._task, request)


class Traced:
    """A descriptor for the attribute in which Celery keeps a task's tracer."""

    def __get__(self, task: OffloadTask | None, owner: type) -> Tracer | None:
        """Return the tracer, or None if the task has none yet."""
        return None if task is None else vars(task).get("_tracer")

    def __set__(self, task: OffloadTask, inner: Callable[..., Any] | None) -> None:
        """Wrap the tracer that Celery made."""
        vars(task)["_tracer"] = None if inner is None else Tracer(task, inner)
