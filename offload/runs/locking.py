"""A run's row, with its graph and its plan, locked until the transaction ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from offload.core.workflows import plans
from offload.core.workflows.graphs import Graph
from offload.db import database
from offload.db.statements import once_per_dialect
from offload.models import Run

if TYPE_CHECKING:
    from offload.core.workflows.plans import Plan

RUN = Run._meta.db_table
#: Graphs that a process keeps: few runs are led at once, and a graph may have 1,000 steps.
GRAPHS_MAX = 64
#: Columns that no end of a step asks for, and that are large where a run has many steps.
UNASKED = frozenset({"canvas", "properties", "tree"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A run as it is now; nobody else changes it in this transaction."""

    row: Run
    graph: Graph
    plan: Plan


@dataclass(slots=True)
class Graphs:
    """Graphs of runs by their ids: they never change. The one that was asked for first goes."""

    _known: dict[str, Graph] = field(default_factory=dict)

    def has(self, run_id: str) -> bool:
        """Return whether the graph of a run is known."""
        return run_id in self._known

    def of(self, row: Run) -> Graph | None:
        """Return the graph of a run; None if it cannot be read."""
        known = self._known.get(row.pk)
        return known if known is not None else self._read(row)

    def _read(self, row: Run) -> Graph | None:
        facts: Any = row.graph
        try:
            found = Graph.read(facts)
        except plans.UNREADABLE:
            return None
        # Threads of one process may do this at the same time.
        for oldest in list(self._known)[: len(self._known) + 1 - GRAPHS_MAX]:
            self._known.pop(oldest, None)
        self._known[row.pk] = found
        return found


#: The graphs that this process has read: ends of jobs come from anywhere in it.
graphs = Graphs()


def locked(run_id: str) -> Locked | None:
    """Lock a run; None if there is none, or if Celery's canvas leads it (K4)."""
    sql = _locking(with_graph=not graphs.has(run_id))
    row = next(iter(Run.objects.raw(sql, {"id": run_id}, using=database.alias())), None)
    if row is None or row.plan is None:
        return None
    graph = graphs.of(row)
    plan = None if graph is None else plans.fitting(graph, row.plan)
    return None if graph is None or plan is None else Locked(row=row, graph=graph, plan=plan)


@once_per_dialect
def _locking(*, with_graph: bool) -> str:
    """Return the SQL that locks a run; its text is made once, as each end of a step needs it."""
    unasked = UNASKED if with_graph else UNASKED | {"graph"}
    columns = [str(one.column) for one in Run._meta.concrete_fields if one.name not in unasked]
    lock = database.FOR_UPDATE[database.vendor()]
    return f"SELECT {', '.join(columns)} FROM {RUN} WHERE id = %(id)s {lock}"
