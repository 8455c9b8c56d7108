"""Restarts: the plan of a run that goes on from one that has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.workflows import plans
from offload.core.workflows.compensations import is_undone
from offload.core.workflows.graphs import in_order
from offload.core.workflows.plans import DONE, Entry, StepState

if TYPE_CHECKING:
    from offload.core.workflows.graphs import Graph
    from offload.core.workflows.plans import Plan


def restarted(graph: Graph, plan: Plan) -> Plan:
    """Return the plan of a run that keeps what was done and not undone, and does the rest again."""
    found: dict[str, Entry] = {}
    for spec in in_order(graph):
        entry = plan[spec.name]
        is_kept = not is_undone(plan, spec) and all(
            found[need].state in DONE for need in graph.needs(spec)
        )
        if entry.state in DONE and is_kept:
            found |= {one: plan[one] for one in (spec.name, *plans.members(plan, spec.name))}
            continue
        found[spec.name] = Entry()
        if is_kept:
            jobs = plans.members(plan, spec.name)
            found |= {one: plan[one] for one in jobs if plan[one].state is StepState.SUCCEEDED}
    return found
