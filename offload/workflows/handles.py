"""Handles on runs of workflows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from offload.core.exceptions import RunTimeout, UnknownRun
from offload.core.run_states import RunState, run_state
from offload.core.states import JobState
from offload.core.validation.ids import forms
from offload.models import PayloadFile, Run
from offload.operations.waiting import until

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from offload.models import Job


@dataclass(frozen=True, slots=True)
class RunHandle:
    """A run of a workflow by its id."""

    id: str

    def __str__(self) -> str:
        """Return the id."""
        return self.id

    @property
    def row(self) -> Run:
        """Return the run as it is now; raise UnknownRun where there is none."""
        found = Run.objects.filter(pk__in=forms(str(self.id))).first()
        if found is None:
            raise UnknownRun(run_id=self.id)
        return found

    @property
    def steps(self) -> QuerySet[Job]:
        """Return the jobs of the run, the first submitted first.

        A step whose turn has not come may have no job yet. Raise UnknownRun.
        """
        return self.row.jobs.order_by("created_at", "id")

    @property
    def state(self) -> RunState:
        """Return RUNNING, SUCCEEDED, STOPPED or FAILED, from the states of the steps.

        Raise UnknownRun.
        """
        return run_state([JobState(state) for state in self.steps.values_list("state", flat=True)])

    @property
    def outputs(self) -> QuerySet[PayloadFile]:
        """Return the files that steps have made and whose finish is in, by name.

        Raise UnknownRun.
        """
        made = PayloadFile.objects.outputs().filter(job__run=self.row)
        return made.select_related("payload", "job").order_by("name")

    def wait(self, timeout: float | timedelta | None = None) -> RunState:
        """Return how the run ended, once every step has a final state.

        ``timeout`` is seconds or a timedelta. Raise RunTimeout where it has not ended by then,
        UnknownRun.
        """
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        ended = until(self._ended, seconds)
        if ended is None:
            unfinished = self.row.jobs.unfinished().count()
            raise RunTimeout(run_id=self.id, timeout=seconds or 0.0, unfinished=unfinished)
        return ended

    def _ended(self) -> RunState | None:
        state = self.state
        return state if state.is_final else None
