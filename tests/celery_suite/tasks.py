"""Makes every task of the suite a job, except those that are refused as jobs."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import celery

from offload import InvalidNumber, OffloadTask
from offload.core.validation.options import check_limits

if TYPE_CHECKING:
    from celery import Celery


class SuiteTask(OffloadTask):
    """A task whose topic is made of its name."""

    abstract = True

    @classmethod
    def on_bound(cls, app: Celery) -> None:
        """Derive the topic."""
        cls.topic = cls.topic or "suite/" + cls.name.replace(".", "/")
        super().on_bound(app)


def rebase() -> None:
    """Let the modules of the suite that are imported from now on define jobs."""
    shared_task: Any = celery.shared_task

    @wraps(shared_task)
    def shared_job(*args: Any, **options: Any) -> Any:
        base = {"base": SuiteTask} if _is_taken(options) else {}
        return shared_task(*args, **{**base, **options})

    celery.shared_task = shared_job
    celery.Task = SuiteTask  # type: ignore[misc]


def _is_taken(options: dict[str, Any]) -> bool:
    """Return whether a job may be declared so; what may not stays a plain task."""
    try:
        check_limits(options.get("time_limit"), options.get("soft_time_limit"))
    except InvalidNumber:
        return False
    return True
