"""Jobs and plain Celery tasks that do the same things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery.exceptions import Retry
from celery.result import AsyncResult, GroupResult

from offload.worker.tasks.task import OffloadTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

#: The runs, in order.
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
    """Return the argument."""
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
    """Note a failure: Celery's callback with the facts, the last line of the traceback for all."""
    NOTES.append([request.id, repr(error), *(traceback or "").splitlines()[-1:]])


def deaf() -> None:
    """Take nothing, not even the id that a callback of a failure is given."""


def swap(self: Any, canvas: dict[str, Any]) -> Any:
    """Put a canvas in its own place."""
    return self.replace(self.app.signature(canvas))


def once_more(self: Any, *args: Any) -> None:
    """Note the call, and ask for one more."""
    NOTES.append([*args, self.request.retries])
    raise self.retry(countdown=0, max_retries=1)


def otherwise(self: Any, *args: Any) -> None:
    """Ask for one more call, on other terms."""
    raise self.retry(countdown=0, max_retries=1, priority=7, time_limit=5, expires=60)


def tells_again(request: Any, error: Exception, traceback: Any) -> None:
    """Raise what `retry` does in a task that is called directly, as callbacks with facts are."""
    NOTES.append([request.id])
    raise Retry("Task can be retried", None)


def handle(value: Any) -> Any:
    """Return a result of Celery's own."""
    return AsyncResult("another") if value == "one" else GroupResult("many", [AsyncResult("a")])


def define(app: Any, function: Callable[..., Any], **options: Any) -> Any:
    """Make a function a task of this app alone."""
    return app.task(function, shared=False, **options)


PLAIN = (add, total, same, fail, note, heard, told, deaf, tells_again, handle)
BOUND = (swap, once_more, otherwise)


def register(app: Celery) -> None:
    """Make every function a job and a plain task."""
    for function in PLAIN:
        name = function.__name__
        define(app, function, name=f"plain.{name}")
        define(app, function, name=f"jobs.{name}", base=OffloadTask, topic=f"jobs/{name}")
    for function in BOUND:
        name = function.__name__
        define(app, function, name=f"plain.{name}", bind=True)
        job = {"base": OffloadTask, "topic": f"jobs/{name}"}
        define(app, function, name=f"jobs.{name}", bind=True, **job)
