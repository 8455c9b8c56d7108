"""Celery's hooks of tasks that are jobs: each runs once, inside the attempt."""

from __future__ import annotations

import logging
from functools import wraps
from typing import TYPE_CHECKING, Any

from celery.app.task import Task
from celery.utils.objects import mro_lookup

from offload.worker.tasks.attempts import attempt_of

if TYPE_CHECKING:
    from collections.abc import Callable

#: Where the hooks are defined that do nothing.
CELERYS = ["celery.app.task"]
logger = logging.getLogger("offload.worker")


def take_part(cls: type) -> None:
    """Wrap the hooks of a class of tasks, so that they run inside its jobs' attempts."""
    for name, wrap in (("before_start", _kept), ("on_failure", _quiet), ("on_retry", _quiet)):
        inner = getattr(cls, name)
        is_own = mro_lookup(cls, name, stop={Task, object}, monkey_patched=CELERYS) is not None
        if is_own and getattr(inner, "taking_part_in", None) is not cls:
            setattr(cls, name, wrap(cls, inner))


def _kept(cls: type, inner: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a hook that runs before a task: its errors become the run's."""

    @wraps(inner)
    def hook(self: Any, *args: Any, **kwargs: Any) -> Any:
        attempt = attempt_of(self)
        # A call by super() is a part of the subclass's hook.
        if attempt is None or attempt.is_run or type(self) is not cls:
            return inner(self, *args, **kwargs)
        try:
            return inner(self, *args, **kwargs)
        except BaseException as error:
            attempt.error = error

    return _marked(hook, cls)


def _quiet(cls: type, inner: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a hook that runs after the end is written: its errors change nothing.

    Celery would count them as another failure, and call the hook again.
    """
    message = f"{inner.__name__} of %s raised; what became of its job stays"

    @wraps(inner)
    def hook(self: Any, *args: Any, **kwargs: Any) -> Any:
        attempt = attempt_of(self)
        if attempt is None or type(self) is not cls:
            return inner(self, *args, **kwargs)
        try:
            return inner(self, *args, **kwargs)
        except Exception:
            logger.exception(message, attempt.task.name)

    return _marked(hook, cls)


def _marked(hook: Any, cls: type) -> Callable[..., Any]:
    hook.taking_part_in = cls
    return hook  # type: ignore[no-any-return]
