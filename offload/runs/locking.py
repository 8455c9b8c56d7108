"""A run's row, with its graph and its plan, locked until the transaction ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.models import Run

if TYPE_CHECKING:
    from offload.core.workflows.graphs import Graph
    from offload.core.workflows.plans import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A run as it is now; nobody else changes it in this transaction."""

    row: Run
    graph: Graph
    plan: Plan


def locked(run_id: str) -> Locked | None:
    """Lock a run; None if there is none, or if Celery's canvas leads it (K4)."""
    row = Run.objects.select_for_update().filter(pk=run_id).first()
    led = row.led if row else None
    if row is None or led is None:
        return None
    return Locked(row=row, graph=led[0], plan=led[1])
