"""Jobs and plain Celery tasks that do the same things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.worker.task import OffloadTask

if TYPE_CHECKING:
    from celery import Celery

#: What ran, in order.
NOTES: list[Any] = []


@dataclass(frozen=True, slots=True)
class Named:
    """The tasks of one kind."""

    app: Celery
    kind: str

    def __getattr__(self, name: str) -> Any:
        """Return a task by its short name."""
        return self.app.tasks[f"{self.kind}.{name}"]


def add(x: Any, y: Any = 0) -> Any:
    """Return the sum."""
    return x + y


def total(numbers: list[int]) -> int:
    """Return the sum of many."""
    return sum(numbers)


def same(value: Any) -> Any:
    """Return what it got."""
    return value


def fail(*_: Any) -> None:
    """Raise ValueError."""
    raise ValueError("wrong")


def note(*args: Any) -> Any:
    """Note what it was called with."""
    NOTES.append(list(args))
    return args


def heard(job_id: str, *, name: str = "") -> None:
    """Note a failure: Celery's callback with the id alone."""
    NOTES.append([job_id, name])


def told(request: Any, error: Exception, traceback: Any) -> None:
    """Note a failure: Celery's callback with the facts."""
    NOTES.append([request.id, repr(error), traceback])


def swap(self: Any, canvas: dict[str, Any]) -> Any:
    """Put a canvas in its own place."""
    return self.replace(self.app.signature(canvas))


PLAIN = (add, total, same, fail, note, heard, told)


def register(app: Celery) -> None:
    """Make every function a job and a plain task."""
    for function in PLAIN:
        name = function.__name__
        app.task(function, name=f"plain.{name}", shared=False)
        app.task(
            function, name=f"jobs.{name}", shared=False, base=OffloadTask, topic=f"jobs/{name}"
        )
    for kind, options in (("plain", {}), ("jobs", {"base": OffloadTask, "topic": "jobs/swap"})):
        app.task(swap, name=f"{kind}.swap", bind=True, shared=False, **options)
