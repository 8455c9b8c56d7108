"""Tasks that run another one: items of a map, and callbacks that want the facts of a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import shared_task
from celery.exceptions import NotRegistered

from offload.messaging.names import ERRBACK_TASK, MAP_TASK
from offload.worker.lazy import lazy
from offload.worker.tasks.task import OffloadTask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from celery import Celery


@shared_task(base=OffloadTask, name=MAP_TASK, bind=True)
def run_map(
    self: OffloadTask, task: Mapping[str, Any], it: Sequence[Any], *, star: bool = False
) -> list[Any]:
    """Run a task for every item, one after another, and return what it returned."""
    job = lazy("offload.worker.tasks.current:current_job")()
    inner = task_of(self.app, task["task"], job.topic)
    return [inner.run_job(job, tuple(item) if star else (item,), {}) for item in it]


@shared_task(base=OffloadTask, name=ERRBACK_TASK, bind=True)
def run_errback(
    self: OffloadTask,
    callback: Mapping[str, Any],
    job_id: str,
    error: tuple[str, str] | None = None,
) -> None:
    """Call a callback with the request, the exception and the traceback of a failed job."""
    lazy("offload.canvas.following.errbacks:run")(self.app, callback, job_id, error)


def task_of(app: Celery, name: str, topic: str) -> Any:
    """Return the task of that name, or what consumes the topic here.

    Raise NotRegistered where there is neither.
    """
    if name in app.tasks:
        return app.tasks[name]
    found = lazy("offload.fleet.consumers:consumers")(app).of(topic)
    if found is None:
        raise NotRegistered(name or topic)
    return app.tasks[found.task]
