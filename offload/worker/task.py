"""Celery tasks that are jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from celery.exceptions import Ignore

from offload.core.terms import check_ranking
from offload.core.topics import Pattern, validate_topic
from offload.engine.names import TOPIC
from offload.worker.late import late

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery
    from celery.canvas import Signature

EXECUTE = "offload.worker.execution:execute"
IS_CLAIMED = "offload.worker.current:is_claimed"


class ReplacedBy(Ignore):
    """A run put a canvas in its place; the last node of it carries the job's id."""

    def __init__(self, signature: Signature[Any]) -> None:
        """Keep the canvas."""
        super().__init__("replaced")
        self.signature = signature


class OffloadTask(DjangoTask):  # type: ignore[type-arg]
    """Base of Celery tasks whose every call is a job.

    ``@shared_task(base=OffloadTask, topic="billing/invoice")``; calls and results stay as
    Celery documents them.
    """

    abstract = True
    Request = "offload.worker.request:JobRequest"
    #: The topic under which calls of this task are jobs.
    topic: str = ""
    #: What its instance announces to consume: the topic itself, or a pattern.
    pattern: str = ""
    #: Decides between consumers of equal patterns.
    ranking: int = 0
    #: Whether failures are retried as the queue's policy says, rather than as Celery does.
    retried_by_queue: bool = False
    #: Celery writes nothing for a job: STARTED is written with the claim, results with the end.
    track_started = False
    store_errors_even_if_ignored = False
    #: A message is only a hint; the row survives what a late acknowledgement is for.
    acks_late = False
    reject_on_worker_lost = False

    @classmethod
    def on_bound(cls, app: Celery) -> None:
        """Check the topic where the task is made known to its app."""
        if cls.topic:
            cls.topic = validate_topic(cls.topic)
        check_ranking(cls.ranking)
        cls.pattern = cls.pattern or cls.topic
        super().on_bound(app)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run a message of ours as an attempt of its job, anything else as Celery does."""
        request = self.request
        header = request.get("offload")
        direct = request.called_directly or request.is_eager or not header
        if direct or late(IS_CLAIMED)(header["id"], header["epoch"]):
            return super().__call__(*args, **kwargs)
        return late(EXECUTE)(self, header, args, kwargs)

    def run_job(self, job: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the task's function; it finds the job by ``current_job()``."""
        return self.run(*args, **kwargs)

    def signature(self, *args: Any, **kwargs: Any) -> Signature[Any]:
        """Return a signature that says it is a job, also to processes without this task."""
        made = super().signature(*args, **kwargs)
        if self.topic:
            made.options.setdefault(TOPIC, self.topic)
        return made

    def on_replace(self, sig: Signature[Any]) -> Any:
        """Leave the replacement to the finish of this attempt."""
        if self.request.called_directly or self.request.is_eager or not self.request.get("offload"):
            return super().on_replace(sig)
        raise ReplacedBy(sig)


class ConsumerTask(OffloadTask):
    """A function that takes the job first, then its properties by name."""

    abstract = True
    retried_by_queue = True
    #: Callers give the properties; the job is put before them where it runs.
    typing = False

    def run_job(self, job: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function with the job."""
        return self.run(job, *args, **kwargs)


def consumer(pattern: str, *, ranking: int = 0, **options: Any) -> Callable[..., Any]:
    """Make a function ``(job, **properties)`` the consumer of a topic or a pattern of topics.

    ``ranking`` decides between consumers of equal patterns, the higher wins. Further options
    are those of a Celery task: ``time_limit``, ``name``, … Raise InvalidPattern at once where
    the pattern is none.
    """
    parsed = Pattern.parse(pattern)
    check_ranking(ranking)
    topic = "" if "*" in parsed.text else parsed.text
    return shared_task(
        base=ConsumerTask, pattern=parsed.text, topic=topic, ranking=ranking, **options
    )


def consumers_of(app: Celery) -> list[dict[str, Any]]:
    """Return what an app consumes, as its workers announce it."""
    found = [task for task in app.tasks.values() if isinstance(task, OffloadTask) and task.pattern]
    return [_announced(task) for task in sorted(found, key=lambda task: task.name)]


def _announced(task: OffloadTask) -> dict[str, Any]:
    limited = bool(task.time_limit or task.soft_time_limit)
    return {
        "pattern": task.pattern,
        "task": task.name,
        "ranking": task.ranking,
        "limit": limited,
    }
