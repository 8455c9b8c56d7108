"""Apps for tests, each with the consumers of its own tests only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.envelopes import BUILTIN_TASKS

if TYPE_CHECKING:
    from celery import Celery


def forget_consumers(app: Celery) -> None:
    """Take shared consumers from an app: any module that was imported may have defined some."""
    shared = {name for name, task in app.tasks.items() if getattr(task, "pattern", "")}
    for name in shared - set(BUILTIN_TASKS):
        app.tasks.pop(name)
