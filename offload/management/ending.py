"""The end of a job, as the command prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.management import CommandError

from offload.core.exceptions import JobFailed
from offload.core.states import JobState
from offload.management.arguments import times
from offload.management.json_output import as_json
from offload.management.terminal import sanitized

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from offload.models import Job


def end_lines(job: Job) -> Iterator[str | Text]:
    """Yield lines about a job's end: where and how long it ran, and what it returned."""
    where = f" on {job.instance}" if job.instance else ""
    yield f"{job.state}{where}{_duration(job)}"
    yield from result(job)


def result(job: Job) -> Iterator[Text]:
    """Yield the result of a job, if any."""
    if job.result is not None:
        yield sanitized(as_json(job.result, indent=2, ensure_ascii=False))


def _duration(job: Job) -> str:
    took = times.run_time(job)
    return "" if took is None else f" after {times.seconds(took)}"


def refuse_failure(job: Job) -> None:
    """Raise CommandError for a job that ended without a result."""
    if job.state != JobState.SUCCEEDED:
        failed = JobFailed(
            job_id=job.pk, state=job.state, error=job.error, error_type=job.error_type
        )
        raise CommandError(str(failed))
