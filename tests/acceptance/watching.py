"""Observing workers at work."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from offload.conf import settings
from offload.core.states import JobState
from offload.models import Job, Queue
from offload.rules import editing
from tests.acceptance.site.journal import events
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from offload import JobHandle
    from tests.acceptance.fleet import Fleet, Worker


#: Seconds in which a job ends on a busy machine, repairs included.
LIMIT = 120.0


def ended(job: JobHandle, *, within: float = LIMIT) -> Job:
    """Return a job's row once it is final."""
    return eventually(
        lambda: _final(job), within=within, what=f"the end of {job} ({job.row.state})"
    )


def began(job: Job) -> datetime:
    """Return when a job's last attempt was claimed."""
    assert job.started_at is not None
    return job.started_at


def _final(job: JobHandle) -> Job | None:
    row = job.row
    return row if row.is_finished else None


def all_ended(topic: str, count: int, *, within: float = LIMIT) -> list[Job]:
    """Return all jobs of a topic once so many are final."""
    rows = Job.objects.filter(topic=topic)
    eventually(
        lambda: rows.filter(finished_at__isnull=False).count() == count,
        within=within,
        what=f"the end of {count} jobs",
    )
    return list(rows)


def runner(fleet: Fleet, job: JobHandle) -> Worker:
    """Return the worker that runs a job, once the job's function is running."""
    row = eventually(lambda: _running(job), what=f"the run of {job}")
    return next(one for one in fleet.workers.values() if one.name == row.instance)


def _running(job: JobHandle) -> Job | None:
    row = job.row
    begun = [one for one in events(job.id, "start") if one.epoch == row.epoch]
    return row if row.state == JobState.ACTIVE and begun else None


def happened(job: JobHandle) -> list[str]:
    """Return the journal of a job's attempts, in order."""
    return [one.what for one in events(job.id)]


def slept(job: Job) -> str:
    """Return the result of a sleeper in its last epoch."""
    return f"slept in epoch {job.epoch}"


def seconds(number: float) -> timedelta:
    """Return a span of time."""
    return timedelta(seconds=number)


def pass_time(number: float) -> None:
    """Let time pass where time itself is the fault: an outage of so many seconds."""
    until = time.monotonic() + number
    eventually(lambda: time.monotonic() > until, within=number + 10)


def add_queue(name: str, topics: Sequence[str], **fields: Any) -> Queue:
    """Create a queue, and let the time pass in which a worker may decide without it."""
    made = Queue.objects.create(name=name, topics=list(topics), **fields)
    pass_time(settings().topology_age)
    return made


def only_on(worker: Worker, fleet: Fleet) -> AbstractContextManager[None]:
    """Deny everything to all other workers for a block."""
    return _denied([one.name for one in fleet.workers.values() if one is not worker])


@contextmanager
def _denied(names: list[str]) -> Iterator[None]:
    for name in names:
        editing.deny(name, "**")
    try:
        yield
    finally:
        for name in names:
            editing.clear(name, "**")


def unchanged(job: JobHandle) -> dict[str, Any]:
    """Return every column of a job, to compare."""
    return dict(Job.objects.filter(pk=job.id).values().get())
