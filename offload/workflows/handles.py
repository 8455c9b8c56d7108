"""Handles on runs of workflows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from offload.core.exceptions import JobFailed, MissingResult, RunTimeout, UnknownRun
from offload.core.states import FAILED, JobState
from offload.core.validation.ids import forms
from offload.core.validation.options import check_timeout
from offload.core.workflows import plans
from offload.core.workflows.placements import Placement
from offload.core.workflows.plans import BROKEN, StepState
from offload.core.workflows.run_states import RunState, run_state
from offload.models import Job, PayloadFile, Run
from offload.operations import approvals, bulk, runs
from offload.operations.waiting import until
from offload.results import result_backend
from offload.runs import placeholders
from offload.runs.step_waits import values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from offload.core.validation.options import Seconds
    from offload.core.workflows.plans import Entry


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

        A step that is not due yet has no job; of a restarted run, the jobs of the steps that were
        done before are among them. Raise UnknownRun if the run does not exist.
        """
        row = self.row
        kept = plans.jobs(row.led[1]) if row.former_id and row.led else []
        jobs = Job.objects.filter(Q(run=row) | Q(pk__in=kept)) if kept else row.jobs.all()
        return jobs.order_by("created_at", "id")

    @property
    def plan(self) -> Mapping[str, Entry]:
        """Return how far each step is, by its name: ``state``, ``job`` and ``note``.

        It has the steps that have no job yet, and those that never get one. It is empty where
        Celery's canvas leads the run. Raise UnknownRun if the run does not exist.
        """
        led = self.row.led
        return led[1] if led else {}

    @property
    def state(self) -> RunState:
        """Return RUNNING, SUCCEEDED, STOPPED or FAILED, which follows from its steps.

        Raise UnknownRun if the run does not exist.
        """
        row = self.row
        if row.led is not None:
            return RunState(row.state)
        return run_state([JobState(state) for state in self.steps.values_list("state", flat=True)])

    @property
    def outputs(self) -> QuerySet[PayloadFile]:
        """Return a queryset of the files that finished steps have made, by name.

        Raise UnknownRun if the run does not exist.
        """
        made = PayloadFile.objects.outputs().filter(job__in=self.steps)
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
            unfinished = self._unfinished()
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
        row = self.row
        if row.placement == Placement.PEER and (job := placeholders.of(row.pk)) is not None:
            return placeholders.result_of(job, result_backend.value_of(job))
        return self._value(row.tree)

    def stop(self, *, force: bool = False) -> RunState:
        """Stop every unfinished step, as ``offload.stop`` does; return the run's state.

        Waiting steps end at once, and nothing begins any more. A running one goes on until its
        consumer checks, or is killed by ``force``. A run that has ended stays as it is. Raise
        UnknownRun if the run does not exist.
        """
        row = self.row
        if row.led is not None:
            if not RunState(row.state).is_final:
                runs.stop(row.pk, force=force)
            return self.state
        steps = self.row.jobs.all()
        while bulk.stop(steps, force=force).changed:
            # A step that ended meanwhile may have been followed by others.
            pass
        return self.state

    def pause(self) -> None:
        """Begin no further step until ``resume``; steps that have begun go on.

        Raise RunRefused if it has ended, or is paused; UnknownRun if it does not exist.
        """
        runs.pause(self.row.pk)

    def resume(self) -> None:
        """Let a paused run go on; raise RunRefused if it is not paused, UnknownRun."""
        runs.resume(self.row.pk)

    def skip(self, step: str) -> None:
        """Leave out a step that has not begun.

        ``step`` is its name. What waits for it gets None in place of its result. Raise UnknownStep,
        RunRefused if the step has begun or ended, UnknownRun if the run does not exist.
        """
        runs.skip(self.row.pk, step)

    def undone(self, step: str, *, note: str = "") -> None:
        """Say that a step was undone by hand, whose compensation failed.

        ``step`` is its name, and ``note`` says how. It counts as undone: a restart does it again.
        Raise UnknownStep, RunRefused if its compensation has not failed, UnknownRun if the run does
        not exist.
        """
        runs.undone(self.row.pk, step, note=note)

    def approve(self, step: str, *, by: str = "", note: str = "") -> None:
        """Approve a step that waits for an approval.

        ``step`` is its name, ``by`` says who decides and ``note`` why. The same decision a second
        time changes nothing. Raise AlreadyDecided if it ended otherwise, RunRefused if it waits for
        something else, or not yet, UnknownStep, UnknownRun.
        """
        approvals.approve(self.row.pk, step, name=by, note=note)

    def reject(self, step: str, *, by: str = "", note: str = "") -> None:
        """Reject a step that waits for an approval, so that it fails.

        ``step``, ``by`` and ``note`` are those of ``approve``, and so are the errors.
        """
        approvals.reject(self.row.pk, step, name=by, note=note)

    def token(self, step: str) -> str:
        """Return the token that ends a step made by ``hand_over()``, also before it waits.

        ``step`` is its name. Whoever has the token can end the step, by ``offload.complete`` or
        ``fail``. Raise UnknownStep, UnknownRun, RunRefused if the step does not wait for a token.
        """
        return approvals.token(self.row.pk, step)

    def place(self, instance: str) -> None:
        """Let an instance do all steps that have not begun; "" places each by itself again.

        ``instance`` is its name. What has begun goes on where it is. If that instance cannot go on,
        the run is placed anew. Raise RunRefused if the run has ended, is there already, or has a
        step that the instance cannot do; UnknownInstance, UnknownRun.
        """
        runs.place(self.row.pk, instance)

    def restart(self) -> RunHandle:
        """Do again what failed or was stopped, and what waited for it; return the new run.

        Steps that are done are not repeated and keep their outputs. Raise RunRefused if the run has
        not ended, has succeeded or was restarted before; UnknownRun if it does not exist.
        """
        return RunHandle(runs.restart(self.row.pk))

    def _unfinished(self) -> int:
        row = self.row
        if row.led is None:
            return row.jobs.unfinished().count()
        graph, plan = row.led
        names = (*graph.by_name, *(one for one in graph.undos if one in plan))
        return sum(not plan[one].state.is_final for one in names)

    def _failure(self) -> JobFailed:
        """Return the error of the first step that failed, or else of the first that was stopped."""
        row = self.row
        failed = next((one for one in self.plan.values() if one.state in BROKEN and one.note), None)
        if failed is not None and not self.steps.exclude(state=JobState.SUCCEEDED).exists():
            return JobFailed(job_id=failed.job or row.pk, state=failed.state, error=failed.note)
        unsuccessful = self.steps.exclude(state=JobState.SUCCEEDED).order_by("finished_at", "id")
        job = unsuccessful.filter(state__in=FAILED).first() or unsuccessful[0]
        return JobFailed(job_id=job.pk, state=job.state, error=job.error, error_type=job.error_type)

    def _value(self, tree: object) -> Any:
        if isinstance(tree, list):
            return [self._value(one) for one in tree]
        entry = self.plan.get(str(tree))
        if entry is None:
            return self._value_of_job(str(tree))
        if entry.members is not None:
            names = plans.members(self.plan, str(tree))
            return [self._value(one) for one in names]
        if entry.begun:
            return values_of(self.row.pk, [str(tree)]).get(str(tree))
        return self._value_of_job(entry.job) if entry.state is StepState.SUCCEEDED else None

    def _value_of_job(self, job_id: str) -> Any:
        row = self.steps.filter(pk=job_id).first()
        if row is None:
            raise MissingResult(job_id=job_id)
        return result_backend.value_of(row)

    def _ended(self) -> RunState | None:
        state = self.state
        return state if state.is_final else None
