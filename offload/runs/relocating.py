"""Runs placed anew when their instance cannot go on, and jobs that waited near one long enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.placement.affinity import Affinity
from offload.core.placement.reasons import Obstacle
from offload.core.placement.routing import plan
from offload.core.workflows.placements import Placement
from offload.core.workflows.run_states import RunState
from offload.db import database
from offload.db.conflicts import retried
from offload.dispatch import dispatching
from offload.fleet.duties import Duty
from offload.fleet.each import for_each
from offload.fleet.snapshots import now, snapshot
from offload.models import Run
from offload.runs import placing
from offload.runs.locking import Locked, locked
from offload.tracking import lane_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from offload.core.placement.joint import Joint
    from offload.core.placement.lanes import Lane
    from offload.core.placement.reasons import Reason
    from offload.core.placement.whole import Whole

#: Runs of one lane that are placed anew in one sweep.
RUNS_MAX = 100
#: Seconds after which a lane is looked at again that no instance could take, though nothing in the
#: topology has changed: another process may have placed a run by an older picture.
AGAIN_SECONDS = 10.0
#: Obstacles that pass by themselves, or turn into another; a run waits for the timeout for them.
PASSING = frozenset(
    {Obstacle.STARTING, Obstacle.SUSPECT, Obstacle.DISCONNECTED, Obstacle.PEER_SILENT}
)


@dataclass(slots=True)
class Relocation:
    """Moves what waits for an instance that cannot run it; remembers what it has seen."""

    #: Returns seconds that only grow.
    clock: Callable[[], float] = monotonic
    #: By lane: since when an obstacle that may pass is in its way.
    _since: dict[Lane, float] = field(default_factory=dict)
    #: By lane: the topology under which its runs found no instance, and when that was.
    _tried: dict[Lane, tuple[tuple[int, int], float]] = field(default_factory=dict)

    def __call__(self, kept: Sequence[Lane]) -> int:
        """Move what must be moved in these lanes, whose jobs are kept to instances."""
        for_good = [one for one in kept if one.affinity and one.affinity.for_good]
        count = _lift([one for one in kept if one not in for_good])
        held = [one for one in for_good if not _can_go_on(one)]
        self._since = {lane: since for lane, since in self._since.items() if lane in held}
        self._tried = {lane: tried for lane, tried in self._tried.items() if lane in held}
        due = [one for one in held if self._is_due(one)]
        return count + for_each(due, self._relocate)

    def _is_due(self, lane: Lane) -> bool:
        reason = obstacle(lane)
        if reason is not None and reason.obstacle in PASSING:
            since = self._since.setdefault(lane, self.clock())
            if self.clock() - since < settings().timeout:
                return False
        else:
            self._since.pop(lane, None)
        seen, at = self._tried.get(lane, (None, 0.0))
        return seen != _picture() or self.clock() - at >= AGAIN_SECONDS

    def _relocate(self, lane: Lane) -> None:
        runs = lane_changes.runs_in(lane, RUNS_MAX)
        if None in runs:
            lane_changes.free(lane)
        epochs = dict(
            Run.objects.filter(pk__in=[one for one in runs if one]).values_list(
                "pk", "placement_epoch"
            )
        )
        snapshot(fresh=True)  # The epochs are older than what is decided by.
        moved = [relocate(run_id, epoch) for run_id, epoch in epochs.items()]
        if not any(moved) and len(runs) < RUNS_MAX:
            self._tried[lane] = (_picture(), self.clock())


def _lift(near: Sequence[Lane]) -> int:
    """Free what waited near an instance for long enough, or for one that cannot run it."""
    hopeless = [one for one in near if not _can_go_on(one)]
    count = lane_changes.lift(near) if near else 0
    return count + (lane_changes.lift(hopeless, at_once=True) if hopeless else 0)


def _can_go_on(lane: Lane) -> bool:
    return bool(plan(snapshot().need(lane), snapshot().topology, now()).candidates)


def _picture() -> tuple[int, int]:
    topology = snapshot().topology
    return topology.version, topology.period(now())


def obstacle(lane: Lane) -> Reason | None:
    """Return the obstacle at the instance that a lane is kept to; None if it is unknown."""
    judged = plan(snapshot().need(lane), snapshot().topology, now()).verdicts
    kept = [one.reason for one in judged if lane.affinity and lane.affinity.includes(one.instance)]
    return min(filter(None, kept), key=lambda one: one.obstacle.distance, default=None)


@retried
def relocate(run_id: str, epoch: int) -> bool:
    """Place a run anew, unless somebody did since it had this epoch, or its instance can go on.

    Its waiting jobs are kept to where it is placed then. Return whether anything was changed.
    """
    with database.atomic():
        lane_changes.lock_run(run_id)
        run = locked(run_id)
        changed = run is not None and _placed_anew(run, epoch)
        return bool(lane_changes.keep_to(run_id, affinity_of(run))) or changed


def _placed_anew(run: Locked, epoch: int) -> bool:
    row = run.row
    if row.placement not in placing.PLACED or row.state != RunState.RUNNING:
        return False
    if row.placement_epoch != epoch:
        return False
    found = placing.able(row, run.graph, run.plan)
    name = placing.best(row, run.graph, run.plan, found)
    if not name or row.instance in found.names:
        return False
    placing.place(row, name, reason=why(row, found))
    return True


def why(row: Run, found: Joint | Whole) -> str:
    """Return why a run's instance cannot go on with it; "" if it had none."""
    reasons = [one.reason for one in found.verdicts if one.instance == row.instance and one.reason]
    gone = f"{row.instance} is not known any more" if row.instance else ""
    return reasons[0].detail if reasons else gone


def affinity_of(run: Locked | None) -> Affinity | None:
    """Return the affinity of a run's waiting jobs; None if any instance may run them."""
    if run is None or run.row.placement not in placing.PLACED:
        return None
    if run.row.placement == Placement.PEER:
        return placing.kept_to(run.row)
    # Only compensations may be left, which run anywhere.
    is_over = run.row.state != RunState.RUNNING or not placing.needs(run.row, run.graph, run.plan)
    return None if is_over else Affinity(instance=run.row.instance)


def duty() -> Duty:
    """Return the duty that binds waiting jobs, wherever they may run."""
    return Duty(name="bind", do=partial(dispatching.bind_due, Relocation()))
