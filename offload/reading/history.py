"""What a job has been through: its attempts, the one that runs now or was the last included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.moments import between
from offload.core.retries import Cause
from offload.models import Attempt, PayloadFile

if TYPE_CHECKING:
    from datetime import datetime

    from offload.models import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLine:
    """One attempt."""

    #: Counted from 1.
    number: int
    epoch: int
    instance: str
    started_at: datetime | None
    #: None while it runs.
    ended_at: datetime | None
    #: Why it ended without making the job final, or the final state; empty while it runs.
    outcome: str
    error: str = ""

    @property
    def seconds(self) -> float | None:
        """Return how long it took, or None where that is not known."""
        if self.started_at is None or self.ended_at is None:
            return None
        return between(self.started_at, self.ended_at)


def attempts(job: Job) -> tuple[AttemptLine, ...]:
    """Return the attempts of a job, in their order."""
    ended = [
        AttemptLine(
            number=number,
            epoch=row.epoch,
            instance=row.instance,
            started_at=row.started_at,
            ended_at=row.ended_at,
            outcome=row.cause,
            error=row.error,
        )
        for number, row in enumerate(job.ended_attempts.all(), 1)
    ]
    if job.started_at is None:
        return tuple(ended)
    return (*ended, _present(job, len(ended) + 1))


def rejections(job_id: str) -> int:
    """Return how many attempts of a job put it back because they would not have it."""
    return Attempt.objects.filter(job=job_id, cause=Cause.REJECTED).count()


def _present(job: Job, number: int) -> AttemptLine:
    return AttemptLine(
        number=number,
        epoch=job.epoch,
        instance=job.instance,
        started_at=job.started_at,
        ended_at=job.finished_at,
        outcome=job.state if job.is_finished else "",
        error=job.error if job.is_finished else "",
    )


def steps(job: Job) -> tuple[Job, ...]:
    """Return the jobs of the run that this job is a step of, in the order they were made."""
    if job.run is None:
        return ()
    return tuple(job.run.jobs.order_by("created_at", "id"))


def inputs(job: Job) -> tuple[PayloadFile, ...]:
    """Return the files that came with a job."""
    found = PayloadFile.objects.inputs().filter(payload=job.payload_id)
    return tuple(found.order_by("name")) if job.payload_id else ()


def outputs(job: Job) -> tuple[PayloadFile, ...]:
    """Return the files that a job's finish made visible."""
    return tuple(PayloadFile.objects.outputs().filter(job=job).order_by("name"))
