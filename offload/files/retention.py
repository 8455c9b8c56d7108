"""Retention: deletes jobs that their queue has kept long enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from offload.conf import peers
from offload.core.workflows.run_states import RunState
from offload.files.deletion import forget
from offload.fleet.duties import Duty
from offload.fleet.each import for_each
from offload.fleet.snapshots import now, snapshot
from offload.models import Delivery, Job, News, Run

if TYPE_CHECKING:
    from offload.core.policies import Policy

#: Jobs per transaction.
PURGE_BATCH_JOBS = 500
#: A job's files are kept until they are delivered, or that is given up.
_OPEN_DELIVERIES = Delivery.objects.open().filter(job=OuterRef("pk"))

#: A run that waits, perhaps for days, needs the results and files of its steps, and so does one
#: that restarts it.
_RUNNING = Run.objects.filter(
    Q(pk=OuterRef("run")) | Q(former=OuterRef("run")), state=RunState.RUNNING
)


def purge() -> int:
    """Delete final jobs that are older than their queue's retention (F3); return how many.

    A clone stays until its home, if that is still a peer, has answered the report of its end.
    If that fails for a queue, the others go on; the first error is raised at the end.
    """
    counts: list[int] = []
    for_each(snapshot().policies, lambda policy: counts.append(_purge(policy)))
    return sum(counts)


PURGE = Duty(name="purge", do=purge, every=5.0, batch=PURGE_BATCH_JOBS)


def _purge(policy: Policy) -> int:
    if policy.retention is None:
        return 0
    queue, retention = policy.name, policy.retention
    old = Job.objects.ended().filter(queue=queue, finished_at__lt=now() - retention)
    # A run that waits, perhaps for days, still needs the results and files of its steps.
    old = (
        old.exclude(aftermath_due=True).exclude(Exists(_OPEN_DELIVERIES)).exclude(Exists(_RUNNING))
    )
    if homes := list(peers().by_name):
        # The clone's row is the report of its end (P3): without it, its home would hear of a loss.
        unreported = News.objects.filter(
            home__in=homes, home=OuterRef("home"), job_id=OuterRef("pk")
        )
        old = old.exclude(Exists(unreported))
    ids = list(old.values_list("pk", flat=True)[:PURGE_BATCH_JOBS])
    if ids:
        forget(ids)
    return len(ids)
