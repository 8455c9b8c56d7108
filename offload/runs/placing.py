"""Placing a run: one instance for all that is left of it, and its jobs kept there (K7)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from django.db.models import Count

from offload.canvas.freezing.options import TIME_LIMITS
from offload.core.placement.affinity import Affinity
from offload.core.placement.joint import Joint, chosen, joint
from offload.core.placement.planning import preferences_of
from offload.core.placement.routing import Need
from offload.core.placement.whole import Whole, whole
from offload.core.placement.whole import chosen as chosen_cluster
from offload.core.topics import RUN_TOPIC
from offload.core.workflows import whole_runs
from offload.core.workflows.placements import Placement
from offload.core.workflows.run_states import RunState
from offload.fleet.snapshots import now, snapshot
from offload.models import Run
from offload.signals import RunPlaced
from offload.tracking.queries import loads_by_instance
from offload.tracking.state_changes import send_on_commit

if TYPE_CHECKING:
    from offload.core.matching.preferences import Preferences
    from offload.core.matching.requirements import Requirements
    from offload.core.workflows.graphs import Graph, StepSpec
    from offload.core.workflows.plans import Plan
    from offload.runs.locking import Locked


#: Placements of runs as a whole.
PLACED = frozenset({Placement.TOGETHER, Placement.PEER})


def settle(run: Locked, plan: Plan) -> None:
    """Place a run that is to stay together and has no instance yet, if one can do all of it."""
    row = run.row
    if row.placement not in PLACED or row.instance:
        return
    name = best(row, run.graph, plan, able(row, run.graph, plan))
    if name:
        place(row, name)


def needs(row: Run, graph: Graph, plan: Plan) -> tuple[Need, ...]:
    """Return the needs of the steps that have not ended, and what their queues require.

    One that only waits has no job, and a plain Celery task is run by any worker of Celery's.
    """
    return tuple(
        Need(
            topic=spec.topic,
            limit=any((spec.signature.get("options") or {}).get(name) for name in TIME_LIMITS),
            files=row.payload_id is not None,
            requires=required(spec.topic).merged(spec.placement.requires),
            prefers=preferred(spec),
            leader_only=snapshot().policy_for(spec.topic).leader_only,
        )
        for spec in graph.steps
        if not (spec.wait or spec.plain or plan[spec.name].state.is_final)
    )


def required(topic: str) -> Requirements:
    """Return the requirements of the queue of a topic's jobs."""
    return snapshot().policy_for(topic).requires


def preferred(spec: StepSpec) -> Preferences:
    """Return the preferences of a step's job: its own, its queue's and its consumer's."""
    current = snapshot()
    usual = current.policy_for(spec.topic).prefers
    theirs = preferences_of(spec.topic, current.topology)
    return spec.placement.prefers.merged(usual).merged(theirs)


def kept_to(row: Run) -> Affinity:
    """Return the affinity of a placed run's jobs."""
    return Affinity(instance=row.instance)


def able(row: Run, graph: Graph, plan: Plan) -> Joint | Whole:
    """Return the instances that can do all that is left of a run, and why the others cannot.

    For a run that another cluster gets whole, it is those clusters.
    """
    if row.placement == Placement.PEER:
        return clusters(graph, only=row.peer, files=row.payload_id is not None)
    return joint(needs(row, graph, plan), snapshot().topology, now())


def clusters(graph: Graph, *, only: str = "", files: bool = False) -> Whole:
    """Return the clusters that can do all of a graph, and why the others cannot.

    ``files`` says that a run of it has files. What a queue here requires, some instance there must
    have; which one gets a step, the other cluster decides.
    """
    begins = Need(topic=RUN_TOPIC, files=files, requires=required(RUN_TOPIC))
    steps = [
        Need(topic=one, of_whole=True, requires=required(one))
        for one in whole_runs.topics_of(graph)
    ]
    steps += [
        Need(topic=one.topic, of_whole=True, requires=one.placement.requires)
        for one in graph.steps
        if one.placement.requires
    ]
    return whole([begins, *steps], snapshot().topology, now(), only=only)


def best(row: Run, graph: Graph, plan: Plan, found: Joint | Whole) -> str:
    """Return the best of the instances that can do all that is left; "" if none can.

    Runs that are placed at an instance count as its load, like the jobs that are bound to it.
    """
    if not found.candidates:
        return ""
    if isinstance(found, Whole):
        return chosen_cluster(found, loads_by_instance())
    left = needs(row, graph, plan)
    if len(found.candidates) == 1:
        return found.candidates[0].instance.name
    load = Counter(loads_by_instance()) + Counter(_placed())
    order = snapshot().policy_for(left[0].topic).cluster_order
    return chosen(left, found, load, order)


def _placed() -> dict[str, int]:
    """Return how many runs that have not ended are placed at each instance."""
    open_ = Run.objects.filter(state=RunState.RUNNING).exclude(instance="")
    return dict(open_.order_by().values_list("instance").annotate(Count("pk")))


def place(row: Run, name: str, *, reason: str = "") -> None:
    """Store that a run is placed at an instance, under the next epoch; its row is locked."""
    old, row.instance = row.instance, name
    row.placement_epoch += 1
    row.save(update_fields=["placement", "instance", "placement_epoch"])
    event = RunPlaced(
        run_id=row.pk,
        workflow=row.workflow,
        old=old,
        new=name,
        epoch=row.placement_epoch,
        reason=reason,
        user_data=row.user_data,
    )
    send_on_commit([event])
