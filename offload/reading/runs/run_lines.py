"""The list of runs, and runs by their ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.states import JobState
from offload.core.workflows.plans import StepState
from offload.core.workflows.run_states import RunState, run_state
from offload.models import Run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import QuerySet


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run as lists show it."""

    id: str
    workflow: str
    version: str
    state: RunState
    paused: bool
    #: How many of its steps have ended, and how many there are.
    ended_steps: int
    steps: int
    #: How many of them failed.
    failed_steps: int
    actor: str
    reason: str
    started: datetime
    ended: datetime | None


def lines(
    *, workflow: str = "", state: str = "", most: int = 20, runs: QuerySet[Run] | None = None
) -> tuple[RunLine, ...]:
    """Return the newest runs: of one workflow, in one state, or all of them."""
    found = Run.objects.all() if runs is None else runs
    found = found.filter(workflow=workflow) if workflow else found
    found = found.filter(state=state) if state else found
    return tuple(line(row) for row in found.order_by("-created_at", "-id")[:most])


def line(row: Run) -> RunLine:
    """Return a run as lists show it."""
    states = _states(row)
    return RunLine(
        id=row.pk,
        workflow=row.workflow,
        version=row.version,
        state=state_of(row),
        paused=row.paused,
        ended_steps=sum(is_final for is_final, _ in states),
        steps=len(states),
        failed_steps=sum(is_failed for _, is_failed in states),
        actor=row.actor,
        reason=row.reason,
        started=row.created_at,
        ended=row.ended_at,
    )


def _states(row: Run) -> list[tuple[bool, bool]]:
    """Return for each step whether it has ended, and whether it failed."""
    if row.led is None:
        found = [JobState(one) for one in row.jobs.values_list("state", flat=True)]
        return [(one.is_final, one.is_final and one != JobState.SUCCEEDED) for one in found]
    graph, plan = row.led
    states = [plan[name].state for name in graph.by_name]
    return [(one.is_final, one is StepState.FAILED) for one in states]


def state_of(row: Run) -> RunState:
    """Return the state of a run; of one that Celery's canvas leads, from its jobs."""
    if row.led is not None and row.state in list(RunState):
        return RunState(row.state)
    return run_state([JobState(one) for one in row.jobs.values_list("state", flat=True)])


def paused() -> tuple[int, Run | None]:
    """Return how many runs are paused, and the oldest of them."""
    found = Run.objects.filter(paused=True, state=RunState.RUNNING)
    oldest = found.order_by("created_at").first()
    return (found.count() if oldest else 0), oldest


def find(run_id: str) -> Run | None:
    """Return the run of that id, or None."""
    return Run.objects.filter(pk=run_id).first()


def with_part(part: str, most: int) -> Sequence[str]:
    """Return ids that begin or end with a text."""
    begins = Run.objects.filter(pk__startswith=part)
    ends = Run.objects.filter(pk__endswith=part)
    return list((begins | ends).order_by("pk").values_list("pk", flat=True)[:most])


def not_undone(most: int) -> tuple[int, tuple[Run, ...]]:
    """Return how many runs have steps that could not be undone, and the newest of them."""
    found = Run.objects.filter(not_undone__gt=0)
    newest = tuple(found.order_by("-created_at")[:most])
    return (found.count() if len(newest) == most else len(newest)), newest
