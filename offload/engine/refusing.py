"""Jobs an instance would not begin, and consumers that are broken there."""

from __future__ import annotations

from offload.engine.tracking import returns
from offload.models import Instance, database
from offload.models.versions import raise_version
from offload.signals import alarm

#: Refusals after which a consumer is marked broken on an instance.
LIMIT = 5


def refuse(job_id: str, epoch: int, *, instance: str, task: str) -> None:
    """Give a job back, and mark the task broken there once a job was refused too often."""
    count = returns.refuse(job_id, epoch, reason=f"{instance} does not know the task {task}")
    if count is not None and count >= LIMIT:
        mark_broken(instance, task)


def mark_broken(instance: str, task: str) -> None:
    """Let no job be bound for this task to this incarnation any more."""
    with database.atomic():
        row = Instance.objects.select_for_update().filter(pk=instance).first()
        if row is None or task in row.broken:
            return
        Instance.objects.filter(pk=instance).update(broken=[*row.broken, task])
        raise_version()
    alarm.send_robust(
        sender=None,
        fact=f"{instance} refused {task} {LIMIT} times and gets no more of it",
        next_step=f"restart {instance} with code that has this task",
    )
