"""Tasks that run another one: items of a map, and callbacks that want the facts of a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from celery import shared_task
from celery.exceptions import NotRegistered

from offload.core.judgement import best_consumer
from offload.core.topics import Pattern
from offload.core.topology import Consumer
from offload.engine.names import ERRBACK, MAP
from offload.worker.late import late
from offload.worker.task import OffloadTask, consumers_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from celery import Celery


@shared_task(base=OffloadTask, name=MAP, bind=True)
def run_map(
    self: OffloadTask, task: Mapping[str, Any], it: Sequence[Any], *, star: bool = False
) -> list[Any]:
    """Run a task for every item, one after another, and return what it returned."""
    job = late("offload.worker.current:current_job")()
    inner = task_of(self.app, task["task"], job.topic)
    return [inner.run_job(job, tuple(item) if star else (item,), {}) for item in it]


@shared_task(base=OffloadTask, name=ERRBACK, bind=True)
def run_errback(
    self: OffloadTask,
    callback: Mapping[str, Any],
    job_id: str,
    error: tuple[str, str] | None = None,
) -> None:
    """Call a callback with the request, the exception and the traceback of a failed job."""
    late("offload.engine.canvas.errbacks:run")(self.app, callback, job_id, error)


def task_of(app: Celery, name: str, topic: str) -> Any:
    """Return the task of that name, or what consumes the topic here.

    Raise NotRegistered where there is neither.
    """
    if name in app.tasks:
        return app.tasks[name]
    found = _consumers(app).of(topic)
    if not found:
        raise NotRegistered(name or topic)
    return app.tasks[found]


class Consumers:
    """What an app consumes, as its workers announce it."""

    def __init__(self, app: Celery) -> None:
        """Note the tasks as they are now."""
        self.tasks: dict[str, Any] = dict(app.tasks)
        self._announced = [
            Consumer(
                pattern=Pattern.parse(one["pattern"]), task=one["task"], ranking=one["ranking"]
            )
            for one in consumers_of(app)
        ]
        self._by_topic: dict[str, str] = {}

    def of(self, topic: str) -> str:
        """Return the name of the task that consumes a topic, or nothing."""
        if topic not in self._by_topic:
            best = best_consumer(self._announced, topic)
            self._by_topic[topic] = best.task if best else ""
        return self._by_topic[topic]


_known: WeakKeyDictionary[Celery, Consumers] = WeakKeyDictionary()


def _consumers(app: Celery) -> Consumers:
    """Return what an app consumes, read anew where its tasks have changed."""
    found = _known.get(app)
    if found is None or found.tasks != app.tasks:
        found = _known[app] = Consumers(app)
    return found
