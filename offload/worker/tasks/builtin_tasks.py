"""Tasks that run another task: for the items of a map, and callbacks with a failure's facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import shared_task

from offload.core.envelopes import ERRBACK_TASK, MAP_TASK, RUN_TASK
from offload.core.lazy import load
from offload.core.topics import RUN_TOPIC
from offload.worker.tasks.declarations import task_of
from offload.worker.tasks.task import OffloadTask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@shared_task(base=OffloadTask, name=MAP_TASK, bind=True)
def run_map(
    self: OffloadTask, task: Mapping[str, Any], it: Sequence[Any], *, star: bool = False
) -> list[Any]:
    """Run a task for every item, one after another, and return the results."""
    job = load("offload.worker.tasks.current_job:current_job")()
    inner = task_of(self.app, task["task"], job.topic)
    return [inner.run_job(job, tuple(item) if star else (item,), {}) for item in it]


@shared_task(base=OffloadTask, name=RUN_TASK, bind=True, topic=RUN_TOPIC)
def run_whole(self: OffloadTask, *, order: str) -> None:
    """Begin the run that another cluster has sent; the job ends with it (P15)."""
    job = load("offload.worker.tasks.current_job:current_job")()
    module = "offload.peers.travel.hosted_runs"
    job.hand_over(load(f"{module}:FOR_SECONDS"))
    load(f"{module}:begin")(job.attempt_key, order)


@shared_task(base=OffloadTask, name=ERRBACK_TASK, bind=True)
def run_errback(
    self: OffloadTask,
    callback: Mapping[str, Any],
    job_id: str,
    error: tuple[str, str] | None = None,
) -> None:
    """Call a callback with the request, the exception and the traceback of a failed job."""
    load("offload.canvas.following.errbacks:run")(self.app, callback, job_id, error)
