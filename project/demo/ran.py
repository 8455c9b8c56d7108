"""The steps of runs that one site sent whole to the other, as the other one ran them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from offload.models import Job

if TYPE_CHECKING:
    from django.db.models import QuerySet


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A step of a run that came whole."""

    #: The one job that the run is at the site that sent it.
    of_job: str
    topic: str
    instance: str
    state: str
    error: str = ""
    seconds: float | None = None
    properties: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, row: Job) -> Self:
        """Return the facts of a job, read with its run."""
        return cls(
            of_job=(row.run.parent_id or "") if row.run else "",
            topic=row.topic,
            instance=row.instance,
            state=row.state,
            error=row.error,
            seconds=seconds_of(row),
            properties=row.properties,
        )


def steps_of_whole_runs() -> QuerySet[Job]:
    """Return the jobs of the runs that another site sent here whole, with their runs."""
    return Job.objects.filter(run__isnull=False).exclude(run__home="").select_related("run")


def seconds_of(job: Job) -> float | None:
    """Return how long the last attempt of the job ran."""
    if job.started_at is None or job.finished_at is None:
        return None
    return round((job.finished_at - job.started_at).total_seconds(), 3)
