"""Messages that were lost: bound jobs that their instance does not hold are sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.retries import Cause
from offload.dispatch.dispatching import task_of
from offload.dispatch.sending import send
from offload.fleet.snapshots import snapshot
from offload.messaging.publisher import breaker
from offload.models import Job
from offload.tracking import bindings, queries, requeue, selectors

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from offload.core.envelopes import Key
    from offload.tracking.bindings import BoundJob

#: After so many times the job is taken back instead.
REPUBLISHES_MAX = 5


def send_again(instance: str, incarnation: str, *, held: Collection[Key]) -> int:
    """Publish bound jobs that are not held and whose time has come (B8); return how many.

    A job waits 1, 2, 4, 8, then 16 times the setting; after the fifth time it is recalled. While
    the broker is out of reach nothing is sent, and that counts for nothing.
    """
    if breaker.is_open:
        return 0
    due = queries.unheard(instance, incarnation, first=settings().republish)
    missing = [job for job in due if (job.id, job.epoch) not in held]
    if not missing:
        return 0
    tired = set(_tired([job.id for job in missing]))
    for job in missing:
        if job.id in tired:
            requeue.recall(selectors.one(job.id, job.epoch), cause=Cause.REQUEUED)
    again = [job for job in missing if job.id not in tired]
    bindings.note_published(again)
    if _reaches_broker(again):
        return len(again)
    bindings.note_published(again, -1)
    return 0


def _reaches_broker(jobs: Sequence[BoundJob]) -> bool:
    seen = snapshot()
    send([(job, task_of(job, seen)) for job in jobs])
    return not breaker.is_open


def _tired(job_ids: list[str]) -> list[str]:
    tired = Job.objects.ids(job_ids).filter(publishes__gte=REPUBLISHES_MAX)
    return list(tired.values_list("pk", flat=True))
