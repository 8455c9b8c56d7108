"""Jobs that have something in common."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.db.models import Count, Max, Q

from offload.core.states import FAILED, FINAL, UNSTARTED, JobState
from offload.core.topics import Pattern
from offload.fleet.snapshots import now
from offload.models import Job
from offload.models.indexes import HAS_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from offload.models.jobs import JobQuerySet

#: States that are selected together, by the word for them.
STATE_GROUPS: Mapping[str, frozenset[JobState]] = MappingProxyType(
    {
        "waiting": UNSTARTED,
        "open": frozenset(JobState) - FINAL,
        "failed": FAILED,
        "ended": FINAL,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The features that jobs have in common; an empty one selects all."""

    states: frozenset[JobState] = frozenset()
    #: A topic, or a pattern.
    topic: str = ""
    queue: str = ""
    #: The key by which its queue tells it apart.
    key: str = ""
    #: The instance that a job is bound to or ran on.
    instance: str = ""
    #: Text in the error or its type, whatever its case.
    error: str = ""
    #: Submitted or ended within this time.
    within: timedelta | None = None

    def jobs(self) -> JobQuerySet:
        """Return a query for the jobs; raise InvalidPattern if the topic is invalid."""
        jobs: JobQuerySet = Job.objects.all()
        if self.states:
            jobs = jobs.filter(state__in=sorted(self.states))
        if self.topic:
            jobs = jobs.of_topic(Pattern.parse(self.topic))
        if self.error:
            text = self.error
            jobs = jobs.filter(Q(error__icontains=text) | Q(error_type__icontains=text))
        if self.within is not None:
            since = now() - self.within
            jobs = jobs.filter(Q(created_at__gte=since) | Q(finished_at__gte=since))
        if self.key:
            jobs = jobs.filter(HAS_KEY.q, key=self.key)
        places = {"queue": self.queue, "instance": self.instance}
        return jobs.filter(**{name: value for name, value in places.items() if value})


def as_of_now(
    jobs: JobQuerySet, able: Callable[[JobQuerySet], JobQuerySet]
) -> tuple[JobQuerySet, int]:
    """Return a query for the jobs that leaves out later ones, and how many of them are `able`."""
    totals = able(jobs).aggregate(count=Count("pk"), newest=Max("created_at"))
    if not totals["count"]:
        return jobs, 0
    return jobs.filter(created_at__lte=totals["newest"]), totals["count"]
