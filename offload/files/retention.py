"""History that has been kept long enough: jobs of queues with a retention, and what was theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import FINAL
from offload.files.deletion import forget
from offload.fleet.duties import Duty
from offload.fleet.each import each
from offload.fleet.snapshots import now, snapshot
from offload.models import Job

if TYPE_CHECKING:
    from offload.core.policies import Policy

#: Jobs per transaction.
PURGE_BATCH_JOBS = 500


def purge() -> int:
    """Delete final jobs that are older than their queue keeps them (F3); return how many.

    A queue for which that fails stops no other; the first error is raised in the end.
    """
    counts: list[int] = []
    each(snapshot().policies, lambda policy: counts.append(_purge(policy)))
    return sum(counts)


PURGE = Duty(name="purge", do=purge, every=5.0, batch=PURGE_BATCH_JOBS)


def _purge(policy: Policy) -> int:
    if policy.retention is None:
        return 0
    queue, retention = policy.name, policy.retention
    old = Job.objects.filter(queue=queue, state__in=FINAL, finished_at__lt=now() - retention)
    ids = list(old.exclude(aftermath_due=True).values_list("pk", flat=True)[:PURGE_BATCH_JOBS])
    if ids:
        forget(ids)
    return len(ids)
