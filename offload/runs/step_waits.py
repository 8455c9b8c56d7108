"""Waits of steps: begun, closed and read; a step that waits costs one row, and nothing runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.workflows.plans import Entry, StepState
from offload.core.workflows.waits import WaitOutcome
from offload.fleet.snapshots import now
from offload.models import StepWait
from offload.models.fields import DatabaseNow
from offload.signals import StepWaiting
from offload.tracking.state_changes import send_on_commit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from offload.core.workflows.graphs import StepSpec
    from offload.core.workflows.plans import Plan
    from offload.core.workflows.waits import Wait
    from offload.models import Run

#: Option of a job: the name of its step.
STEP = "step"
#: Characters of a question, a name and a note that are kept.
TEXT_MAX = 255


def begin(row: Run, spec: StepSpec, wait: Wait) -> Entry:
    """Store that a step waits, in the transaction that has locked its run."""
    due_at, is_limit = wait.due(row.created_at, now())
    StepWait.objects.create(
        run=row,
        step=spec.name,
        kind=wait.kind.value,
        about=wait.about[:TEXT_MAX],
        permission=wait.permission,
        due_at=due_at,
        is_limit=is_limit and due_at is not None,
    )
    event = StepWaiting(
        run_id=row.pk,
        workflow=row.workflow,
        step=spec.name,
        kind=wait.kind.value,
        about=wait.about,
        user_data=row.user_data,
    )
    send_on_commit([event])
    return Entry(state=StepState.WAITING, note=f"waits for {wait}", begun=True)


def close(row: Run, before: Plan, after: Plan) -> None:
    """Close the waits of steps that ended otherwise; nothing is asked if there are none."""
    names = [
        name
        for name, entry in before.items()
        if entry.begun and not entry.state.is_final and after[name].state.is_final
    ]
    if names:
        _open(row.pk, names).update(ended_at=DatabaseNow(), outcome=WaitOutcome.CLOSED.value)


def _open(run_id: str, names: Iterable[str]) -> Any:
    return StepWait.open().filter(run=run_id, step__in=names)


def values_of(run_id: str, names: Collection[str]) -> dict[str, Any]:
    """Return the results of waits by the names of their steps."""
    if not names:
        return {}
    found = StepWait.objects.filter(run=run_id, step__in=names)
    return dict(found.values_list("step", "value"))


def copy(former: Run, row: Run, kept: Plan) -> None:
    """Store the ended waits of a run for the one that restarts it."""
    names = [name for name, entry in kept.items() if entry.begun]
    found = StepWait.objects.filter(run=former, step__in=names) if names else ()
    for one in found:
        one.pk, one.run, one._state.adding = None, row, True
    StepWait.objects.bulk_create(found)
