"""Jobs at clusters that the settings name no more, and reports that no home answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, Min, OuterRef, Subquery
from django.db.models.functions import Coalesce

from offload.conf import peers
from offload.core.moments import between
from offload.models import ClosedBinding, Job, News
from offload.models.fields import DatabaseNow
from offload.models.indexes import BOUND

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds after which a report counts as one that nobody answers.
UNANSWERED_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LostJobs:
    """Jobs that are bound to a cluster that the settings do not name any more."""

    peer: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnansweredReports:
    """Reports of clones that their home does not answer."""

    home: str
    count: int
    #: Of the event that the oldest of them reports.
    age_seconds: float


def lost_jobs() -> tuple[LostJobs, ...]:
    """Return the jobs at clusters that the settings do not name any more, by the cluster."""
    there = Job.objects.filter(BOUND.q, peer__isnull=False).exclude(peer__in=list(peers().by_name))
    found = there.order_by("peer").values_list("peer").annotate(Count("pk"))
    return tuple(LostJobs(peer=name, count=count) for name, count in found)


def unanswered() -> Iterator[UnansweredReports]:
    """Yield the reports that have waited for an answer for a minute or longer, by their home."""
    clone = Job.objects.filter(
        pk=OuterRef("job_id"), home=OuterRef("home"), home_epoch=OuterRef("epoch")
    )
    closed = ClosedBinding.objects.filter(job_id=OuterRef("job_id"), home=OuterRef("home"))
    since = Coalesce(
        Subquery(clone.values("finished_at")),
        Subquery(clone.values("started_at")),
        Subquery(closed.values("since")),
    )
    open_ = News.objects.filter(due_at__isnull=False).annotate(event_at=since)
    late = open_.filter(event_at__lt=DatabaseNow() - timedelta(seconds=UNANSWERED_SECONDS))
    found = late.order_by("home").values("home").annotate(count=Count("pk"), first=Min("event_at"))
    for row in found.annotate(now=DatabaseNow()):
        age = between(row["first"], row["now"])
        yield UnansweredReports(home=row["home"], count=row["count"], age_seconds=age)
