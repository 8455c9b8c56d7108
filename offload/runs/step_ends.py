"""Ends of steps: each is taken into its run in the transaction that makes the job final (K4)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from offload.canvas.freezing.options import STEP
from offload.core.states import JobState
from offload.core.texts import message, with_type
from offload.core.topics import RUN_TOPIC
from offload.core.workflows import plans
from offload.core.workflows.plans import Entry, StepState
from offload.core.workflows.run_states import RunState
from offload.models import PayloadFile
from offload.runs import placeholders
from offload.runs.advancing import advance, store
from offload.runs.locking import locked

if TYPE_CHECKING:
    from offload.canvas.following.tail import Ended
    from offload.core.workflows.graphs import StepSpec
    from offload.runs.locking import Locked


def step_of(options: object, run_id: str | None) -> str:
    """Return the name of a job's step; "" for a job that is none."""
    name = options.get(STEP) if run_id and isinstance(options, dict) else None
    return name if isinstance(name, str) else ""


def take(end: Ended) -> None:
    """Take the end of a step's job into its run; a second time, or a job's that is no longer the
    step's, changes nothing.
    """
    name = step_of(end.options, end.run_id)
    run = locked(end.run_id or "")
    if name == RUN_TOPIC:
        _take_whole(run, end)
        return
    entry = run.plan.get(name) if run else None
    if run is None or entry is None or entry.job != end.id or entry.state.is_final:
        return
    spec = run.graph.spec(plans.step_of(run.graph, name))
    ended = _ended(spec, entry, end)
    plan = plans.after(run.graph, run.plan, name, ended)
    advance(run, plan, end.origin, ended={end.id: end.value})


def _take_whole(run: Locked | None, end: Ended) -> None:
    """Take the end of the job that a run is which another cluster got whole (P15)."""
    if run is None or RunState(run.row.state).is_final:
        return
    store(run, placeholders.ended(run, end))


def _ended(spec: StepSpec, entry: Entry, end: Ended) -> Entry:
    if end.state == "SUCCESS":
        return _made(spec, entry, end.id)
    state = plans.ended_as(end.job_state or end.cause.state)
    return replace(entry, state=state, note=with_type(end.error_type, message(end.error)))


def _made(spec: StepSpec, entry: Entry, job_id: str) -> Entry:
    """Return the end of a step that succeeded: it fails if it did not make what it names."""
    missing = set(spec.outputs) - _outputs(job_id) if spec.outputs and not spec.each else set()
    if not missing:
        return replace(entry, state=StepState.SUCCEEDED, note="")
    note = f"it did not make {' and '.join(sorted(missing))}"
    return replace(entry, state=StepState.FAILED, note=note)


def _outputs(job_id: str) -> set[str]:
    made = PayloadFile.objects.filter(job=job_id, job__state=JobState.SUCCEEDED)
    return set(made.outputs().values_list("name", flat=True))
