"""Where the steps of a run are done: at one instance, in another cluster, or each by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.progress import Progress
from offload.core.states import JobState
from offload.core.workflows.placements import Placement
from offload.core.workflows.run_states import RunState
from offload.runs import placeholders, placing

if TYPE_CHECKING:
    from offload.core.placement.reasons import Verdict
    from offload.core.workflows.graphs import Graph
    from offload.core.workflows.plans import Plan
    from offload.models import Run
    from offload.reading.runs.run_page import RunPage

#: How each step is placed, by the placement.
EACH = {
    Placement.NEAR: "Its steps run near those before them, if there is room within a time.",
    Placement.SPREAD: "Its steps take turns over the instances that can do them.",
}


def sentence(page: RunPage) -> str:
    """Say where the steps of a run are done; "" if each is placed by itself."""
    if page.home:
        return f"{page.home} has sent it whole, as job {page.parent_id}, which ends with it."
    if page.placement == Placement.PEER:
        where = f"to {page.instance}" if page.instance else "to another cluster; none is chosen"
        return " ".join(filter(None, [f"It goes whole {where}.", page.whole, page.unplaced]))
    if page.placement != Placement.TOGETHER:
        return EACH.get(Placement(page.placement), "")
    where = f"It is placed at {page.instance}" if page.instance else "It is not placed yet"
    often = f", its place number {page.placement_epoch}" if page.placement_epoch > 1 else ""
    return " ".join(filter(None, [f"{where}{often}.", page.unplaced]))


def whole(row: Run) -> str:
    """Return how far the one job of a run is that another cluster gets whole."""
    job = placeholders.of(row.pk)
    if job is None or row.state != RunState.RUNNING:
        return ""
    told = Progress.read(job.progress) if job.job_state is JobState.ACTIVE else None
    far = f", with {told} by its last report" if told else ""
    return f"Its one job, {job.pk}, is {job.state}{far}."


def unplaced(row: Run, graph: Graph, plan: Plan) -> str:
    """Return why an open run that stays together has no instance that can go on with it."""
    if row.placement not in placing.PLACED or row.state != RunState.RUNNING:
        return ""
    left = placing.needs(row, graph, plan)
    return placing.able(row, graph, plan).problem if left else ""


def places(row: Run) -> tuple[Verdict, ...]:
    """Return whether each instance can do all that is left of a run; those that can first."""
    if row.led is None:
        return ()
    found = placing.able(row, *row.led).verdicts
    return tuple(sorted(found, key=lambda one: (one.distance, one.instance)))
