"""What a submitter holds in hand: a job's id, and questions about it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.db import transaction

from offload.core.exceptions import JobFailed, JobTimeout, UnknownJob
from offload.core.ids import id_of
from offload.core.states import JobState
from offload.core.terms import check_timeout
from offload.engine import results
from offload.engine.waiting import until
from offload.models import Job

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from offload.core.terms import Seconds
    from offload.engine.explain import Explanation
    from offload.models import PayloadFile


def _engine(name: str) -> Any:
    """Return a module of the engine that itself returns handles, once it is needed."""
    return import_module(f"offload.engine.{name}")


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
        state: JobState = _engine("stopping").stop(self, force=force)
        return state

    def retry(self) -> JobHandle:
        """Do what ``offload.retry`` does; return the new job."""
        made: JobHandle = _engine("retrying").retry(self)
        return made

    def remove(self) -> JobState:
        """Do what ``offload.remove`` does."""
        state: JobState = _engine("removing").remove(self)
        return state

    def explain(self) -> Explanation:
        """Say where the job is, or why it waits, with a verdict per instance for it alone."""
        found: Explanation = _engine("explain").explain(self)
        return found

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
            raise JobFailed(job_id=self.id, state=row.state, error=row.error)
        return results.value_of(row)
