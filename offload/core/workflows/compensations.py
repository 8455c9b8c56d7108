"""Compensations: what undoes the done steps of a run that failed, in reverse order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from offload.core.workflows.graphs import OnError, in_order
from offload.core.workflows.plans import NOTE_MAX, Entry, StepState

if TYPE_CHECKING:
    from offload.core.workflows.graphs import Graph, StepSpec
    from offload.core.workflows.plans import Plan

#: States of a compensation after which its step is as if it had not been done, or left as it is.
SETTLED = frozenset({StepState.SUCCEEDED, StepState.SKIPPED})


def begun(graph: Graph, plan: Plan) -> Plan:
    """Return the plan with an entry for each compensation, once every step has ended.

    That is so after the failure of a step that asks for it; else the plan is the same.
    """
    if not graph.undos or not _is_asked(graph, plan):
        return plan
    return {**plan, **{one.name: Entry() for one in _wanted(graph, plan)}}


def _is_asked(graph: Graph, plan: Plan) -> bool:
    entries = [(spec, plan[spec.name].state) for spec in graph.steps]
    if any(not state.is_final for _, state in entries) or any(one in plan for one in graph.undos):
        return False
    return any(
        state is StepState.FAILED and spec.on_error is OnError.COMPENSATE for spec, state in entries
    )


def _wanted(graph: Graph, plan: Plan) -> list[StepSpec]:
    """Return the compensations of done steps: the last step comes first."""
    done = [one for one in in_order(graph) if plan[one.name].state is StepState.SUCCEEDED]
    return [graph.undos[name] for one in reversed(done) if (name := one.undo_name) in graph.undos]


def due(graph: Graph, plan: Plan) -> StepSpec | None:
    """Return the compensation that begins now: one runs after the other."""
    for name, entry in plan.items():
        if name in graph.undos and not entry.state.is_final:
            return graph.undos[name] if entry.state is StepState.WAITING else None
    return None


def is_undone(plan: Plan, spec: StepSpec) -> bool:
    """Tell whether a step was done and then undone."""
    entry = plan.get(spec.undo_name)
    return bool(spec.compensate) and entry is not None and entry.state is StepState.SUCCEEDED


def undone_by_hand(graph: Graph, plan: Plan, step: str, note: str) -> Plan | None:
    """Return the plan after somebody undid a step by hand; None unless its compensation failed."""
    if step not in not_undone(graph, plan):
        return None
    name = graph.by_name[step].undo_name
    entry = replace(plan[name], state=StepState.SUCCEEDED, note=note[:NOTE_MAX])
    return {**plan, name: entry}


def not_undone(graph: Graph, plan: Plan) -> tuple[str, ...]:
    """Return the steps whose compensation failed or was stopped."""
    return tuple(
        spec.name
        for spec in graph.steps
        if spec.undo_name in graph.undos
        and (entry := plan.get(spec.undo_name)) is not None
        and entry.state.is_final
        and entry.state not in SETTLED
    )
