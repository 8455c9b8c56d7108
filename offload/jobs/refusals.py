"""Jobs that an instance refused, and consumers that are marked broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.db import database
from offload.models import Exclusion, Instance
from offload.models.versions import lock_version, raise_version
from offload.signals import Alarm, AlarmKind, send
from offload.tracking import requeue

if TYPE_CHECKING:
    from offload.core.envelopes import Key

#: Refusals after which a consumer is marked broken on an instance.
BROKEN_AFTER_REFUSALS = 5


def refuse(binding: Key, *, instance: str, task: str) -> None:
    """Give a job back; mark the task broken there if it was refused too often."""
    reason = f"{instance} does not know the task {task}"
    times = requeue.refuse(binding, reason=reason)
    if times is not None and max(times, _jobs_refused(instance, reason)) >= BROKEN_AFTER_REFUSALS:
        mark_broken(instance, task)


def _jobs_refused(instance: str, reason: str) -> int:
    """Return how many jobs the current incarnation of an instance refused for a reason."""
    current = Instance.objects.filter(pk=instance).values("incarnation")
    return Exclusion.objects.filter(incarnation__in=current, reason=reason[:255]).count()


def mark_broken(instance: str, task: str) -> None:
    """Bind no more jobs for this task to this incarnation."""
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
