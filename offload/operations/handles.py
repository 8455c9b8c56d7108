"""Handles on jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction

from offload.core.exceptions import JobFailed, JobTimeout, UnknownJob
from offload.core.states import JobState
from offload.core.validation.ids import JobId, id_of
from offload.core.validation.options import check_timeout
from offload.jobs.removing import remove
from offload.jobs.retrying import retry_one
from offload.jobs.stopping import stop
from offload.models import Job
from offload.operations.waiting import until
from offload.reading.explain import explain
from offload.results import result_backend

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from offload.core.validation.options import Seconds
    from offload.models import PayloadFile
    from offload.reading.explain import Explanation


@dataclass(frozen=True, slots=True)
class JobHandle:
    """A job by its id, which may be given as a UUID or by another handle.

    Raise InvalidId for what names no job.
    """

    id: str

    def __post_init__(self) -> None:
        """Keep the id as text."""
        object.__setattr__(self, "id", id_of(self.id))

    def __str__(self) -> str:
        """Return the id."""
        return self.id

    @property
    def row(self) -> Job:
        """Return the job as it is now; raise UnknownJob where there is none."""
        found = Job.objects.filter(pk=Job.objects.key(self.id)).first()
        if found is None:
            raise UnknownJob(job_id=self.id)
        return found

    @property
    def state(self) -> JobState:
        """Return the state as it is now."""
        return self.row.job_state

    @property
    def stop_requested(self) -> bool:
        """Return whether it was asked to stop, also where it did its work all the same."""
        return self.row.stop_requested

    @property
    def outputs(self) -> QuerySet[PayloadFile]:
        """Return the files that the job's finish made visible."""
        return self.row.outputs

    def stop(self, *, force: bool = False) -> JobState:
        """Do what ``offload.stop`` does."""
        return stop(self, force=force)

    def retry(self) -> JobHandle:
        """Do what ``offload.retry`` does; return the new job."""
        return retry(self)

    def remove(self) -> JobState:
        """Do what ``offload.remove`` does."""
        return remove(self)

    def explain(self) -> Explanation:
        """Say where the job is, or why it waits, with a verdict per instance for it alone."""
        return explain(self)

    def wait(self, timeout: Seconds | None = None) -> Job:
        """Return the job once it has ended; raise JobTimeout after so long, InvalidDelay for none.

        ``timeout`` is a number of seconds or a timedelta; without it there is no end to waiting.
        """
        seconds = check_timeout(timeout)
        row = until(self._ended, seconds)
        if row is None:
            raise self._timeout(seconds or 0.0)
        return row

    def _timeout(self, seconds: float) -> JobTimeout:
        row = self.row
        inside = transaction.get_connection(row._state.db).in_atomic_block
        return JobTimeout(job_id=self.id, timeout=seconds, state=row.state, in_transaction=inside)

    def _ended(self) -> Job | None:
        row = self.row
        return row if row.is_finished else None

    def result(self, timeout: Seconds | None = None) -> Any:
        """Return what the job returned, waiting for its end as ``wait`` does.

        Raise JobTimeout where it has not ended by then, JobFailed where it ended without a
        result. The job's row is asked, not Celery's backend, save for values too large for it:
        MissingResult where that has such a value no more.
        """
        row = self.wait(timeout)
        if row.state != JobState.SUCCEEDED:
            raise JobFailed(
                job_id=self.id, state=row.state, error=row.error, error_type=row.error_type
            )
        return result_backend.value_of(row)  # K3


def retry(job: JobId) -> JobHandle:
    """Submit a finished job's topic, properties and files again; return the new job.

    What followed the old one (callbacks, the rest of its chain) is not repeated. Raise
    UnknownJob where there is none, NotRetriable for a job that has not ended, and for a plain
    Celery task.
    """
    return JobHandle(retry_one(job))
