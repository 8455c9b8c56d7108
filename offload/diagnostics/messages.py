"""Messages that are not offload's, and jobs that never begin although their messages were sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.texts import counted
from offload.diagnostics.finding import Finding, warn
from offload.reading.cluster import announced
from offload.reading.jobs.often_sent import often_sent
from offload.reading.waiting.bound_jobs import SENT_OFTEN_TIMES

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "messages"


def examine() -> Iterator[Finding]:
    """Yield instances that get foreign messages, and jobs that were sent often and never began."""
    for name, count in announced.dropped_messages().items():
        messages = counted(count, "message", "messages")
        fact = f"{name} dropped {messages} that no job was ever sent as."
        step = "Somebody else writes to the broker: give it a password, or a vhost of its own."
        yield warn(SUBJECT, fact, step)
    if never := often_sent():
        fact = (
            f"{counted(never.count, 'job was', 'jobs were')} sent {SENT_OFTEN_TIMES} times or more "
            f"and never began, the first to {never.instance}."
        )
        step = f"Look at the log of that worker; then: manage.py offload job {never.job_id}"
        yield warn(SUBJECT, fact, step)
