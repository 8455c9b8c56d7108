"""Jobs and plain Celery tasks that do the same things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.worker.task import OffloadTask

if TYPE_CHECKING:
    from collections.abc import Callable

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


def deaf() -> None:
    """Take nothing, not even the id that a callback of a failure is given."""


def swap(self: Any, canvas: dict[str, Any]) -> Any:
    """Put a canvas in its own place."""
    return self.replace(self.app.signature(canvas))


def define(app: Any, function: Callable[..., Any], **options: Any) -> Any:
    """Make a function a task of this app alone."""
    return app.task(function, shared=False, **options)


PLAIN = (add, total, same, fail, note, heard, told, deaf)


def register(app: Celery) -> None:
    """Make every function a job and a plain task."""
    for function in PLAIN:
        name = function.__name__
        define(app, function, name=f"plain.{name}")
        define(app, function, name=f"jobs.{name}", base=OffloadTask, topic=f"jobs/{name}")
    define(app, swap, name="plain.swap", bind=True)
    define(app, swap, name="jobs.swap", bind=True, base=OffloadTask, topic="jobs/swap")
