"""History that has been kept long enough: jobs of queues with a retention, and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.files.storage import storages
from django.db.models import Q

from offload.core.states import FINAL
from offload.engine.topology import now, snapshot
from offload.models import Job, Payload, PayloadFile, database

if TYPE_CHECKING:
    from datetime import timedelta

#: Jobs per transaction.
BATCH = 500


def purge() -> int:
    """Delete final jobs that are older than their queue keeps them; return how many."""
    kept = [one for one in snapshot().policies if one.retention is not None]
    return sum(_purge(one.name, one.retention) for one in kept if one.retention)


def _purge(queue: str, retention: timedelta) -> int:
    old = Job.objects.filter(queue=queue, state__in=FINAL, finished_at__lt=now() - retention)
    ids = list(old.exclude(aftermath_due=True).values_list("pk", flat=True)[:BATCH])
    if not ids:
        return 0
    mine = Payload.objects.filter(Q(jobs__in=ids) | Q(runs__jobs__in=ids))
    payloads = set(mine.values_list("pk", flat=True))
    with database.atomic():
        Job.objects.filter(pk__in=ids).delete()
        _drop_unused(payloads)
    return len(ids)


def _drop_unused(payloads: set[str]) -> None:
    """Delete payloads that no job has any more, with their runs; their files after the commit."""
    unused = Payload.objects.filter(pk__in=payloads, jobs=None)
    files = PayloadFile.objects.filter(payload__in=unused).select_related("payload")
    places = [(file.payload.storage, file.location) for file in files]
    for payload in list(unused):
        payload.runs.all().delete()
        payload.delete()
    database.on_commit(lambda: _delete(places))


def _delete(places: list[tuple[str, str]]) -> None:
    for alias, location in places:
        storages[alias].delete(location)
