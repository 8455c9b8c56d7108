"""Jobs an instance would not begin, and consumers that are broken there."""

from __future__ import annotations

from offload.db import database
from offload.models import Exclusion, Instance
from offload.models.versions import lock_version, raise_version
from offload.signals import Alarm, AlarmKind, send
from offload.tracking import requeue

#: Refusals after which a consumer is marked broken on an instance.
BROKEN_AFTER_REFUSALS = 5


def refuse(job_id: str, epoch: int, *, instance: str, task: str) -> None:
    """Give a job back, and mark the task broken there once it was refused too often."""
    reason = f"{instance} does not know the task {task}"
    times = requeue.refuse(job_id, epoch, reason=reason)
    if times is not None and max(times, _jobs_refused(instance, reason)) >= BROKEN_AFTER_REFUSALS:
        mark_broken(instance, task)


def _jobs_refused(instance: str, reason: str) -> int:
    """Return how many jobs the present incarnation of an instance has refused for a reason."""
    here = Instance.objects.filter(pk=instance).values("incarnation")
    return Exclusion.objects.filter(incarnation__in=here, reason=reason[:255]).count()


def mark_broken(instance: str, task: str) -> None:
    """Let no job be bound for this task to this incarnation any more."""
    with database.atomic():
        lock_version()
        row = Instance.objects.select_for_update().filter(pk=instance).first()
        if row is None or task in row.broken:
            return
        Instance.objects.filter(pk=instance).update(broken=[*row.broken, task])
        raise_version()
    send(
        Alarm(
            f"{instance} refused {task} {BROKEN_AFTER_REFUSALS} times and gets no more of it",
            f"restart {instance} with code that has this task",
            AlarmKind.CONSUMER_BROKEN,
            (instance,),
        )
    )
