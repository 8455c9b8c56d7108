"""Advancing a run: what is due begins, and the run ends with its last step (K4)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kombu.utils.json import dumps

from offload.canvas.batches import gathering
from offload.canvas.freezing.context import coming_from
from offload.core.workflows import compensations, plans
from offload.core.workflows.placements import Placement
from offload.core.workflows.plans import Entry, StepState
from offload.db import database
from offload.db.statements import once_per_dialect
from offload.runs import beginning, hosted, placeholders, placing, step_waits
from offload.runs.affinities import Affinities
from offload.runs.known import known
from offload.runs.locking import RUN
from offload.signals import Alarm, AlarmKind, RunChange, StepEnd
from offload.tracking.state_changes import send_on_commit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from offload.canvas.freezing.context import Origin
    from offload.core.workflows.graphs import StepSpec
    from offload.core.workflows.plans import Plan
    from offload.core.workflows.run_states import RunState
    from offload.models import Run
    from offload.runs.known import Known
    from offload.runs.locking import Locked
    from offload.signals import Event


def advance(
    run: Locked,
    plan: Plan,
    source: Origin,
    *,
    ended: Mapping[str, Any] = MappingProxyType({}),
    strict: bool = False,
) -> None:
    """Begin what may begin, and store how far the run is; in the transaction that locked it.

    ``source`` is what new jobs inherit, and ``ended`` has the values of jobs that end now, by their
    ids. With ``strict``, a step that cannot be submitted raises its error.
    """
    source = hosted.source_of(run.row, source)
    with coming_from(source), gathering():
        if run.row.placement == Placement.PEER:
            plan = placeholders.begun(run, plan, source)
        else:
            plan = _begun(run, plan, ended, strict=strict)
    store(run, plan, ended)


def _begun(run: Locked, plan: Plan, ended: Mapping[str, Any], *, strict: bool) -> Plan:
    row = run.row
    if row.stop_requested:
        return plans.stopped(plan)
    while not row.paused and (ready := plans.due(run.graph, plan)):
        placing.settle(run, plan)
        facts, kept = known(run, plan, ready, ended), Affinities.of(run, plan, ready)
        for spec in ready:
            plan = _come_to(plan, spec, facts, kept, strict=strict)
    return _undone(run, compensations.begun(run.graph, plan), ended)


def _undone(run: Locked, plan: Plan, ended: Mapping[str, Any]) -> Plan:
    """Return the plan once the compensation that is due has begun, or failed at once (K6)."""
    while not run.row.paused and (spec := compensations.due(run.graph, plan)):
        found = known(run, plan, [spec], ended)
        end = _lost(run, spec, found)
        if end is not None:
            plan = plans.after(run.graph, plan, spec.name, end)
        else:
            free = Affinities(run=run, is_free=True)
            plan = beginning.begin(plan, spec, found.facts, free, strict=False)
    return plan


def _come_to(plan: Plan, spec: StepSpec, found: Known, kept: Affinities, *, strict: bool) -> Plan:
    run = kept.run
    end = (
        plans.prevented(run.graph, plan, spec)
        or _lost(run, spec, found)
        or beginning.unwanted(spec, found.facts)
    )
    if end is not None:
        return plans.after(run.graph, plan, spec.name, end)
    if spec.wait:
        begun = step_waits.begin(run.row, spec, spec.wait)
        return plans.after(run.graph, plan, spec.name, begun)
    return beginning.begin(plan, spec, found.facts, kept, strict=strict)


def _lost(run: Locked, spec: StepSpec, found: Known) -> Entry | None:
    gone = sorted(found.lost & plans.asked(run.graph, [spec]))
    return Entry(state=StepState.FAILED, note=f"the result of {gone[0]} is lost") if gone else None


def store(run: Locked, plan: Plan, ended: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Store the plan and the run's state; their events are sent after the commit."""
    row, state = run.row, plans.outcome(run.graph, plan)
    hosted.tell_clone(run, plan, state, ended)
    if plan == run.plan and state == row.state:
        return
    step_waits.close(row, run.plan, plan)
    events = [*_step_ends(run, plan), *_change(row, state)]
    row.plan, row.state = plans.facts(plan), state.value
    if run.graph.undos and (left := len(compensations.not_undone(run.graph, plan))):
        row.not_undone = left
    database.execute(
        _storing(is_final=state.is_final),
        {
            "id": row.pk,
            "plan": dumps(row.plan),
            "state": row.state,
            "not_undone": row.not_undone,
        },
    )
    send_on_commit(events)


@once_per_dialect
def _storing(*, is_final: bool) -> str:
    ended = f", ended_at = {database.now()}" if is_final else ""
    return (
        f"UPDATE {RUN} SET plan = %(plan)s, state = %(state)s, not_undone = %(not_undone)s{ended} "
        "WHERE id = %(id)s"
    )


def _step_ends(run: Locked, plan: Plan) -> Iterator[Event]:
    for name in (*run.graph.by_name, *run.graph.undos):
        entry, before = plan.get(name), run.plan.get(name)
        if entry and entry.state.is_final and not (before and before.state.is_final):
            yield _step_end(run.row, name, entry)
            if name in run.graph.undos and entry.state not in compensations.SETTLED:
                yield _not_undone(run.row, name, entry)


def _step_end(row: Run, name: str, entry: Entry) -> StepEnd:
    return StepEnd(
        run_id=row.pk,
        workflow=row.workflow,
        step=name,
        state=entry.state.value,
        job_id=entry.job,
        note=entry.note,
        user_data=row.user_data,
    )


def _not_undone(row: Run, name: str, entry: Entry) -> Alarm:
    why = f": {entry.note}" if entry.note else ""
    return Alarm(
        f"run {row.pk} of {row.workflow} failed, and step {name!r} is {entry.state}{why}",
        f"undo it by hand; 'manage.py offload runs show {row.pk}' shows what is left, and "
        "'runs undone' takes what you have undone off it",
        AlarmKind.COMPENSATION_FAILED,
    )


def _change(row: Run, state: RunState) -> Iterator[Event]:
    if state != row.state:
        yield change(row, state)


def change(row: Run, state: RunState) -> RunChange:
    """Return the event of a run that comes to a state."""
    return RunChange(
        run_id=row.pk,
        workflow=row.workflow,
        version=row.version,
        old=row.state,
        new=state.value,
        user_data=row.user_data,
    )
