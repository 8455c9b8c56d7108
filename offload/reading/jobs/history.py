"""The history of a job: its attempts, steps and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import F, Q

from offload.core.files.deliveries import DELIVER_OPTION
from offload.core.moments import between
from offload.core.states import JobState
from offload.core.texts import first_line
from offload.models import Job, PayloadFile
from offload.queues.own_retries import escalated_in

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from offload.models import Delivery


#: States in which the last attempt of a job may have a record of its own.
MAYBE_RECORDED = frozenset({JobState.STOPPED, JobState.GIVEN_UP})


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
    #: Requirements raised for the next one, with the cause.
    raised: str = ""
    #: The job's own state, for its running or last attempt.
    state: JobState | None = None

    @property
    def error_line(self) -> str:
        """Return the first line of the error, with an ellipsis if it has more."""
        return first_line(self.error)

    @property
    def seconds(self) -> float | None:
        """Return how many seconds it took, or None if unknown."""
        if self.started_at is None or self.ended_at is None:
            return None
        return between(self.started_at, self.ended_at)


def attempts(job: Job) -> tuple[AttemptLine, ...]:
    """Return the attempts of a job, in their order.

    The database is queried only if there was an earlier binding.
    """
    more = raised_by_attempt(job)
    is_first = job.epoch <= (job.started_at is not None) and job.state not in MAYBE_RECORDED
    ended = [
        AttemptLine(
            number=number,
            epoch=row.epoch,
            instance=row.instance,
            started_at=row.started_at,
            ended_at=row.ended_at,
            outcome=row.cause,
            error=row.error,
            raised=more.get(number, ""),
        )
        for number, row in enumerate(() if is_first else job.ended_attempts.all(), 1)
    ]
    is_recorded = bool(ended) and ended[-1].epoch == job.epoch
    if job.started_at is None or is_recorded:
        return tuple(ended)
    return (*ended, _present(job, len(ended) + 1))


def raised_by_attempt(job: Job) -> dict[int, str]:
    """Return the sentences on what was raised, by the number of the attempt that failed."""
    found: dict[int, list[str]] = {}
    for one in escalated_in(job.options):
        found.setdefault(one.attempt, []).append(one.sentence)
    return {attempt: " ".join(said) for attempt, said in found.items()}


def _present(job: Job, number: int) -> AttemptLine:
    return AttemptLine(
        number=number,
        epoch=job.epoch,
        instance=job.instance,
        started_at=job.started_at,
        ended_at=job.finished_at,
        outcome=job.state if job.is_finished else "",
        error=job.error if job.is_finished else "",
        state=job.job_state,
    )


def last_error(job: Job) -> str:
    """Return the error of the last attempt that another one followed, or nothing."""
    last = job.ended_attempts.last()
    return last.error if last else ""


def steps(job: Job) -> tuple[Job, ...]:
    """Return the jobs of the run that this job is a step of, in order of submission."""
    if job.run is None:
        return ()
    return tuple(job.run.jobs.order_by("created_at", "id"))


def retried_as(job: Job) -> str:
    """Return the id of the last retry of a final job, or "" if there is none."""
    if not job.is_finished:
        return ""
    retries = Job.objects.filter(retry_of=job.pk).newest_first()
    return retries.values_list("pk", flat=True).first() or ""


def files(job: Job) -> tuple[PayloadFile, ...]:
    """Return the files that came with a job, then those that its finish made visible, by name."""
    if job.payload_id is None:
        return ()
    return tuple(visible_files(job).order_by(F("job_id").asc(nulls_first=True), "name"))


def deliveries(job: Job) -> tuple[Delivery, ...]:
    """Return the deliveries of a job's outputs.

    The database is queried only if any were ordered.
    """
    if DELIVER_OPTION not in job.options:
        return ()
    return tuple(job.deliveries.order_by("number"))


def visible_file(job: Job, file_id: int) -> PayloadFile | None:
    """Return one of the visible files of a job, or None."""
    return visible_files(job).filter(pk=file_id).first()


def visible_files(job: Job) -> QuerySet[PayloadFile]:
    """Return a query for the files that came with a job, and those its finish made visible."""
    mine = Q(job=None) | Q(job=job, epoch=job.epoch, job__state=JobState.SUCCEEDED)
    return PayloadFile.objects.select_related("payload").filter(mine, payload=job.payload_id)
