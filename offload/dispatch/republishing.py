"""Messages that were lost: bound jobs that their instance does not hold are sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.retries import Cause
from offload.dispatch.dispatching import task_of
from offload.dispatch.publishing import send
from offload.fleet.snapshots import snapshot
from offload.messaging.installation import current_installation
from offload.models import Job
from offload.tracking import queries, requeue, selectors
from offload.tracking.binding import bindings

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from offload.core.envelopes import Key
    from offload.tracking.binding.bindings import BoundJob

#: After that many sends, the job is taken back instead.
REPUBLISHES_MAX = 5


def send_again(instance: str, incarnation: str, *, held: Collection[Key]) -> int:
    """Publish again the bound jobs that their instance does not hold (B8); return how many.

    A job waits 1, 2, 4, 8, then 16 times the setting; after the fifth time it is recalled. While
    the broker is unreachable, nothing is sent and nothing is counted.
    """
    if current_installation.to_broker.is_open:
        return 0
    due = queries.unheard(instance, incarnation, first=settings().republish)
    missing = [job for job in due if job.key not in held]
    if not missing:
        return 0
    tired = set(_tired([job.id for job in missing]))
    for job in missing:
        if job.id in tired:
            requeue.recall(selectors.one(job.key), cause=Cause.REQUEUED)
    again = [job for job in missing if job.id not in tired]
    bindings.note_published(again)
    if _reaches_broker(again):
        return len(again)
    bindings.note_published(again, -1)
    return 0


def _reaches_broker(jobs: Sequence[BoundJob]) -> bool:
    current = snapshot()
    send([(job, task_of(job, current)) for job in jobs])
    return not current_installation.to_broker.is_open


def _tired(job_ids: list[str]) -> list[str]:
    tired = Job.objects.ids(job_ids).filter(publishes__gte=REPUBLISHES_MAX)
    return list(tired.values_list("pk", flat=True))
