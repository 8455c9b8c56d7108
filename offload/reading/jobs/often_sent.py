"""Jobs that never begin although their messages were sent again and again."""

from __future__ import annotations

from dataclasses import dataclass

from offload.core.states import JobState
from offload.models import Job
from offload.reading.waiting.bound_jobs import SENT_OFTEN_TIMES


@dataclass(frozen=True, slots=True, kw_only=True)
class OftenSent:
    """How many jobs were sent often and have not begun, and the first of them."""

    count: int
    job_id: str
    instance: str


def often_sent() -> OftenSent | None:
    """Return the jobs that were sent SENT_OFTEN_TIMES times or more, or None if there are none."""
    never = Job.objects.bound().filter(state=JobState.QUEUED, publishes__gte=SENT_OFTEN_TIMES - 1)
    first = never.order_by("bound_at").first()
    if first is None:
        return None
    return OftenSent(count=never.count(), job_id=first.pk, instance=first.instance)
