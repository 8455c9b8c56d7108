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
from offload.reading.jobs import logs
from offload.reading.waiting.explain import explain
from offload.results import result_backend

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from offload.core.job_log import LogLine
    from offload.core.validation.options import Seconds
    from offload.models import PayloadFile
    from offload.reading.waiting.explanation import Explanation


@dataclass(frozen=True, slots=True)
class JobHandle:
    """A job by its id.

    ``id`` may be given as text, as a UUID, or as another handle. Raise InvalidId if it names no
    job. A handle can be made for a job that does not exist, or does not exist yet; then its
    properties and methods raise UnknownJob.
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
        """Return the job's current row; raise UnknownJob if it does not exist."""
        found = Job.objects.filter(pk=Job.objects.key(self.id)).first()
        if found is None:
            raise UnknownJob(job_id=self.id)
        return found

    @property
    def state(self) -> JobState:
        """Return the current state; raise UnknownJob if the job does not exist."""
        return self.row.job_state

    @property
    def stop_requested(self) -> bool:
        """Return whether somebody asked it to stop, even if it finished its work all the same.

        Raise UnknownJob if the job does not exist.
        """
        return self.row.stop_requested

    @property
    def outputs(self) -> QuerySet[PayloadFile]:
        """Return a queryset of the files that the job has made; empty until it has ended.

        Raise UnknownJob if the job does not exist.
        """
        return self.row.outputs

    def stop(self, *, force: bool = False) -> JobState:
        """Ask the job to stop and return its state, as ``offload.stop`` does.

        ``force`` kills its process. Raise UnknownJob if the job does not exist.
        """
        return stop(self, force=force)

    def retry(self) -> JobHandle:
        """Submit the job again, as ``offload.retry`` does, and return the new job.

        Raise UnknownJob if the job does not exist, NotRetriable if it has not ended, is a plain
        Celery task, or belongs to another cluster.
        """
        return retry(self)

    def remove(self) -> JobState:
        """End the job before it runs, as ``offload.remove`` does, and return its state.

        Raise UnknownJob if the job does not exist, NotRemovable if it runs or has ended.
        """
        return remove(self)

    def explain(self) -> Explanation:
        """Say where the job is, or why it waits, with a verdict per instance on this job.

        Raise UnknownJob if the job does not exist.
        """
        return explain(self)

    def logs(self) -> tuple[LogLine, ...]:
        """Return the lines that the job has logged so far, of all its attempts, in their order.

        The last lines of each attempt are kept. Raise UnknownJob if the job does not exist.
        """
        return tuple(line for attempt in logs.of(self.row.pk) for line in attempt.lines)

    def wait(self, timeout: Seconds | None = None) -> Job:
        """Wait until the job has ended; return its row.

        ``timeout`` is a number of seconds or a timedelta; None waits without a limit. Raise
        JobTimeout if the job has not ended by then, InvalidDelay for an invalid timeout, UnknownJob
        if the job does not exist.
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
        """Wait until the job has ended; return its result.

        ``timeout`` is that of ``wait``, and so are its errors. Raise JobFailed if the job ended
        without a result. The result is read from the job's row, and from Celery's backend only if
        it was too large for the row; raise MissingResult if the backend no longer has it.
        """
        row = self.wait(timeout)
        if row.state != JobState.SUCCEEDED:
            raise JobFailed(
                job_id=self.id, state=row.state, error=row.error, error_type=row.error_type
            )
        return result_backend.value_of(row)  # K3


def retry(job: JobId) -> JobHandle:
    """Submit the topic, properties and files of an ended job again; return the new job.

    ``job`` is a handle, a UUID or an id as text. The successors of the old job (callbacks, the rest
    of its chain) are not repeated. Raise UnknownJob if the job does not exist, NotRetriable if it
    has not ended, is a plain Celery task, or belongs to another cluster, InvalidId if ``job`` names
    no job.
    """
    return JobHandle(retry_one(job))
