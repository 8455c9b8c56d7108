"""Celery's hooks of a task that is a job: each inside the attempt, and once."""

from __future__ import annotations

import logging
from functools import wraps
from typing import TYPE_CHECKING, Any

from celery.app.task import Task
from celery.utils.objects import mro_lookup

from offload.worker.tasks.attempts import attempt_of

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("offload.worker")


def take_part(cls: type) -> None:
    """Let the hooks that a class of tasks has take part in the attempts of its jobs."""
    for name, wrap in (("before_start", _kept), ("on_failure", _quiet), ("on_retry", _quiet)):
        inner = getattr(cls, name)
        is_own = mro_lookup(cls, name, stop={Task, object}) is not None
        if is_own and getattr(inner, "taking_part_in", None) is not cls:
            setattr(cls, name, wrap(cls, inner))


def _kept(cls: type, inner: Callable[..., Any]) -> Callable[..., Any]:
    """Return the hook that runs before a task: what it raises is what the run raises."""

    @wraps(inner)
    def hook(self: Any, *args: Any, **kwargs: Any) -> Any:
        attempt = attempt_of(self)
        # What a subclass calls by super() is a part of its own hook.
        if attempt is None or attempt.is_run or type(self) is not cls:
            return inner(self, *args, **kwargs)
        try:
            return inner(self, *args, **kwargs)
        except BaseException as error:
            attempt.error = error

    return _marked(hook, cls)


def _quiet(cls: type, inner: Callable[..., Any]) -> Callable[..., Any]:
    """Return a hook that runs after an end is written: what it raises changes nothing.

    Celery would take it for another failure, and call the hook once more.
    """
    said = f"{inner.__name__} of %s raised; what became of its job stays"

    @wraps(inner)
    def hook(self: Any, *args: Any, **kwargs: Any) -> Any:
        attempt = attempt_of(self)
        if attempt is None or type(self) is not cls:
            return inner(self, *args, **kwargs)
        try:
            return inner(self, *args, **kwargs)
        except Exception:
            logger.exception(said, attempt.task.name)

    return _marked(hook, cls)


def _marked(hook: Any, cls: type) -> Callable[..., Any]:
    hook.taking_part_in = cls
    return hook  # type: ignore[no-any-return]
