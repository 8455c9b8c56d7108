"""Names of instances, queues and topics: which there are, and which were misspelt."""

from __future__ import annotations

from offload.core.exceptions import UnknownInstance, UnknownQueue
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Job, Queue


def instances() -> list[str]:
    """Return all instances that ever announced themselves."""
    return list(Instance.objects.values_list("pk", flat=True))


def is_instance(name: str) -> bool:
    """Tell whether an instance of this name ever announced itself."""
    return Instance.objects.filter(pk=name).exists()


def announced(name: str) -> str:
    """Return the name of an instance; raise UnknownInstance if no worker ever had it."""
    if not is_instance(name):
        raise UnknownInstance(name=name, known=instances())
    return name


def has_row(queue: str) -> bool:
    """Tell whether a queue has a row of its own; the default one may have none."""
    return Queue.objects.filter(name=queue).exists()


def check_queue(name: str) -> None:
    """Raise UnknownQueue if no queue has this name, and no job is in one."""
    current = snapshot(fresh=True)
    known = [current.default.name, *(one.name for one in current.policies)]
    if name not in known and not Job.objects.filter(queue=name).exists():
        raise UnknownQueue(name=name, known=known)


def check_instance(name: str) -> None:
    """Raise UnknownInstance if no worker ever had this name, and no job names it."""
    if not Job.objects.filter(instance=name).exists():
        announced(name)
