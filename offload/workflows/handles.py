"""Handles on runs of workflows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import JobFailed, MissingResult, RunTimeout, UnknownRun
from offload.core.states import FAILED, JobState
from offload.core.validation.ids import forms
from offload.core.validation.options import check_timeout
from offload.core.workflows.run_states import RunState, run_state
from offload.models import PayloadFile, Run
from offload.operations import bulk
from offload.operations.waiting import until
from offload.results import result_backend

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from offload.core.validation.options import Seconds
    from offload.models import Job


@dataclass(frozen=True, slots=True)
class RunHandle:
    """A run of a workflow, by its ``id``."""

    id: str

    def __str__(self) -> str:
        """Return the id."""
        return self.id

    @property
    def row(self) -> Run:
        """Return the run's current row; raise UnknownRun if it does not exist."""
        found = Run.objects.filter(pk__in=forms(str(self.id))).first()
        if found is None:
            raise UnknownRun(run_id=self.id)
        return found

    @property
    def steps(self) -> QuerySet[Job]:
        """Return a queryset of the run's jobs, the first submitted first.

        A step that is not due yet may have no job. Raise UnknownRun if the run does not exist.
        """
        return self.row.jobs.order_by("created_at", "id")

    @property
    def state(self) -> RunState:
        """Return RUNNING, SUCCEEDED, STOPPED or FAILED, derived from the states of the steps.

        Raise UnknownRun if the run does not exist.
        """
        return run_state([JobState(state) for state in self.steps.values_list("state", flat=True)])

    @property
    def outputs(self) -> QuerySet[PayloadFile]:
        """Return a queryset of the files that finished steps have made, by name.

        Raise UnknownRun if the run does not exist.
        """
        made = PayloadFile.objects.outputs().filter(job__run=self.row)
        return made.select_related("payload", "job").order_by("name")

    def wait(self, timeout: Seconds | None = None) -> RunState:
        """Wait until every step has ended; return the state of the run.

        ``timeout`` is a number of seconds or a timedelta; None waits without a limit. Raise
        RunTimeout if the run has not ended by then, InvalidDelay for an invalid timeout, UnknownRun
        if the run does not exist.
        """
        seconds = check_timeout(timeout)
        ended = until(self._ended, seconds)
        if ended is None:
            unfinished = self.row.jobs.unfinished().count()
            raise RunTimeout(run_id=self.id, timeout=seconds or 0.0, unfinished=unfinished)
        return ended

    def result(self, timeout: Seconds | None = None) -> Any:
        """Wait until the run has ended; return its result.

        ``timeout`` is that of ``wait``, and so are its errors. The result is that of the last step
        of a chain, or of the body of a chord, and a list for a group. Raise JobFailed for the first
        step that ended without a result, MissingResult if a step's row is gone, or if its value was
        too large for it and Celery's backend has lost it.
        """
        if self.wait(timeout) is not RunState.SUCCEEDED:
            raise self._failure()
        return self._value(self.row.tree)

    def stop(self, *, force: bool = False) -> RunState:
        """Stop every unfinished step, as ``offload.stop`` does; return the run's state.

        Waiting steps end at once, and their successors never run. A running one goes on until its
        consumer checks, or is killed by ``force``. If it succeeds all the same, the steps after it
        begin, and are stopped in turn. Raise UnknownRun if the run does not exist.
        """
        steps = self.row.jobs.all()
        while bulk.stop(steps, force=force).changed:
            # A step that ended meanwhile may have been followed by others.
            pass
        return self.state

    def _failure(self) -> JobFailed:
        """Return the error of the first step that failed, or else of the first that was stopped."""
        unsuccessful = self.steps.exclude(state=JobState.SUCCEEDED).order_by("finished_at", "id")
        row = unsuccessful.filter(state__in=FAILED).first() or unsuccessful[0]
        return JobFailed(job_id=row.pk, state=row.state, error=row.error, error_type=row.error_type)

    def _value(self, tree: object) -> Any:
        if isinstance(tree, list):
            return [self._value(one) for one in tree]
        row = self.steps.filter(pk=tree).first()
        if row is None:
            raise MissingResult(job_id=str(tree))
        return result_backend.value_of(row)

    def _ended(self) -> RunState | None:
        state = self.state
        return state if state.is_final else None
