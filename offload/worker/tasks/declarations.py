"""Conflicting declarations of consumers, of which only one would ever run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.exceptions import NotRegistered

from offload.core.lazy import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from celery import Celery


def name_of(function: Callable[..., Any], options: Mapping[str, Any]) -> str:
    """Return the name of the function's task."""
    return str(options.get("name") or f"{function.__module__}.{function.__name__}")


def task_of(app: Celery, name: str, topic: str) -> Any:
    """Return the task of that name, or what consumes the topic here.

    Raise NotRegistered where there is neither.
    """
    if name in app.tasks:
        return app.tasks[name]
    found = load("offload.fleet.consumers:consumers")(app).of(topic)
    if found is None:
        raise NotRegistered(name or topic)
    return app.tasks[found.task]


def consumers_of(app: Celery) -> list[dict[str, Any]]:
    """Return the consumers of an app, as its workers announce them."""
    return load("offload.fleet.consumers:announcements")(app.tasks)  # type: ignore[no-any-return]
