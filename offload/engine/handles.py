"""What a submitter holds in hand: a job's id, and questions about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import JobFailed, JobTimeout, UnknownJob
from offload.core.states import JobState
from offload.engine import results
from offload.engine.waiting import until
from offload.models import Job

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from offload.models import PayloadFile


@dataclass(frozen=True, slots=True)
class JobHandle:
    """A job by its id."""

    id: str

    def __str__(self) -> str:
        """Return the id."""
        return self.id

    @property
    def row(self) -> Job:
        """Return the job as it is now; raise UnknownJob where there is none."""
        found = Job.objects.filter(pk=self.id).first()
        if found is None:
            raise UnknownJob(job_id=self.id)
        return found

    @property
    def state(self) -> JobState:
        """Return the state as it is now."""
        return self.row.job_state

    @property
    def outputs(self) -> QuerySet[PayloadFile]:
        """Return the files that the job's finish made visible."""
        return self.row.outputs

    def wait(self, timeout: float | None = None) -> Job:
        """Return the job once it has ended; raise JobTimeout after so many seconds."""
        row = until(self._ended, timeout)
        if row is None:
            raise JobTimeout(job_id=self.id, timeout=timeout or 0.0, state=self.row.state)
        return row

    def _ended(self) -> Job | None:
        row = self.row
        return row if row.is_finished else None

    def result(self, timeout: float | None = None) -> Any:
        """Return what the job returned, waiting up to ``timeout`` seconds for its end.

        Raise JobTimeout where it has not ended by then, JobFailed where it ended without a
        result. The job's row is asked, not Celery's backend, save for values too large for it:
        MissingResult where that has such a value no more.
        """
        row = self.wait(timeout)
        if row.state != JobState.SUCCEEDED:
            raise JobFailed(job_id=self.id, state=row.state, error=row.error)
        return results.value_of(row)
