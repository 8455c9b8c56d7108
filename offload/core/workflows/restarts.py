"""Restarts: the plan of a run that goes on from one that has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.workflows import plans
from offload.core.workflows.plans import DONE, Entry, StepState

if TYPE_CHECKING:
    from offload.core.workflows.graphs import Graph, StepSpec
    from offload.core.workflows.plans import Plan


def restarted(graph: Graph, plan: Plan) -> Plan:
    """Return the plan of a run that does again what was not done, and keeps what was."""
    found: dict[str, Entry] = {}
    for spec in _in_order(graph):
        entry = plan[spec.name]
        is_kept = all(found[need].state in DONE for need in graph.needs(spec))
        if entry.state in DONE and is_kept:
            found |= {one: plan[one] for one in (spec.name, *plans.members(plan, spec.name))}
            continue
        found[spec.name] = Entry()
        if is_kept:
            jobs = plans.members(plan, spec.name)
            found |= {one: plan[one] for one in jobs if plan[one].state is StepState.SUCCEEDED}
    return found


def _in_order(graph: Graph) -> list[StepSpec]:
    """Return the steps so that each stands after those that it waits for."""
    found: list[StepSpec] = []
    left = list(graph.steps)
    while left:
        known = {one.name for one in found}
        ready = [one for one in left if set(graph.needs(one)) <= known]
        found += ready
        left = [one for one in left if one not in ready]
    return found
