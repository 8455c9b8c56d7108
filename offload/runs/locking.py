"""A run's row, with its graph and its plan, locked until the transaction ends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from offload.core.workflows import plans
from offload.core.workflows.graphs import Graph
from offload.models import Run

if TYPE_CHECKING:
    from offload.core.workflows.plans import Plan

#: Graphs that a process keeps: few runs are led at once, and a graph may have 1,000 steps.
GRAPHS_MAX = 64
#: Columns that no end of a step asks for, and that are large where a run has many steps.
UNASKED = ("canvas", "graph", "properties", "tree")


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A run as it is now; nobody else changes it in this transaction."""

    row: Run
    graph: Graph
    plan: Plan


class _NoGraph(Exception):
    """The run has no graph that can be read; not kept, unlike a graph."""


def locked(run_id: str) -> Locked | None:
    """Lock a run; None if there is none, or if Celery's canvas leads it (K4)."""
    row = Run.objects.select_for_update().filter(pk=run_id).defer(*UNASKED).first()
    if row is None or row.plan is None:
        return None
    try:
        graph = _graph(run_id)
    except _NoGraph:
        return None
    plan = plans.fitting(graph, row.plan)
    return None if plan is None else Locked(row=row, graph=graph, plan=plan)


@lru_cache(maxsize=GRAPHS_MAX)
def _graph(run_id: str) -> Graph:
    """Return the graph of a run, which never changes; raise _NoGraph if it has none."""
    try:
        facts: Any = Run.objects.values_list("graph", flat=True).get(pk=run_id)
        return Graph.read(facts)
    except (*plans.UNREADABLE, Run.DoesNotExist) as error:
        raise _NoGraph from error
