"""Messages that somebody else wrote, and jobs that begin from none of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.placement.topology import Mode
from offload.core.texts import counted
from offload.diagnostics.finding import Finding, warn
from offload.models import Instance, Job
from offload.reading.explain import SENT_OFTEN

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "messages"


def examine() -> Iterator[Finding]:
    """Yield instances to which nonsense is sent, and jobs that were sent often and never began."""
    for row in Instance.objects.exclude(mode=Mode.GONE).order_by("name"):
        count = row.load.get("malformed") if isinstance(row.load, dict) else None
        if count:
            messages = counted(count, "message", "messages")
            told = f"{row.name} dropped {messages} that no job was ever sent as."
            step = "Somebody else writes to the broker: give it a password, or a vhost of its own."
            yield warn(SUBJECT, told, step)
    never = Job.objects.bound().filter(state="QUEUED", publishes__gte=SENT_OFTEN - 1)
    first = never.order_by("bound_at").first()
    if first is not None:
        told = (
            f"{counted(never.count(), 'job was', 'jobs were')} sent {SENT_OFTEN} times or more "
            f"and never began, the first to {first.instance}."
        )
        step = f"Look at the log of that worker; then: manage.py offload job {first.pk}"
        yield warn(SUBJECT, told, step)
