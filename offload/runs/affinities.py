"""Affinities of jobs that begin: where their run, or the steps before them, are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zlib import crc32

from offload.conf import settings
from offload.core.placement.affinity import Affinity
from offload.core.placement.routing import Need, plan
from offload.core.workflows import plans
from offload.core.workflows.placements import Placement
from offload.fleet.snapshots import now, snapshot
from offload.models import Job
from offload.runs import placing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.workflows.graphs import StepSpec
    from offload.core.workflows.plans import Plan
    from offload.models import Run
    from offload.runs.locking import Locked


@dataclass(frozen=True, slots=True, kw_only=True)
class Affinities:
    """The instances that the jobs of a run's next steps are kept to."""

    run: Locked
    #: The instances where earlier jobs ran, by job; read only for runs with this placement.
    ran: Mapping[str, str] = field(default_factory=dict)
    #: Whether they may run anywhere, however the run is placed.
    is_free: bool = False

    @staticmethod
    def of(run: Locked, found: Plan, specs: Sequence[StepSpec]) -> Affinities:
        """Return those of steps that are due; only a run that stays near asks the database."""
        if run.row.placement != Placement.NEAR:
            return Affinities(run=run)
        asked = {job for spec in specs for job in _earlier(run, found, spec)}
        ran = Job.objects.filter(pk__in=asked).exclude(instance="") if asked else Job.objects.none()
        return Affinities(run=run, ran=dict(ran.values_list("pk", "instance")))

    def next(self, found: Plan, spec: StepSpec, number: int) -> Affinity | None:
        """Return that of a step's job; ``number`` counts the jobs of the step, from 0."""
        row = self.run.row
        if self.is_free:
            return None
        if row.placement == Placement.TOGETHER:
            return Affinity(instance=row.instance)
        if row.placement == Placement.NEAR:
            earlier = _earlier(self.run, found, spec)
            return self._near(_most([self.ran.get(one, "") for one in earlier]), spec)
        if row.placement == Placement.SPREAD:
            return self._turn(spec, len(plans.jobs(found)) + number)
        return None

    def _near(self, name: str, spec: StepSpec) -> Affinity | None:
        row = self.run.row
        return _for_a_time(row, name) if name and name in _able(row, spec) else None

    def _turn(self, spec: StepSpec, number: int) -> Affinity | None:
        row = self.run.row
        able = _able(row, spec)
        # Runs begin at different instances, so that those of few steps are spread as well.
        start = crc32(row.pk.encode())
        return _for_a_time(row, able[(start + number) % len(able)]) if len(able) > 1 else None


def _for_a_time(row: Run, name: str) -> Affinity | None:
    seconds = settings().near if row.near_seconds is None else row.near_seconds
    return Affinity(instance=name, seconds=seconds) if seconds else None


def _able(row: Run, spec: StepSpec) -> list[str]:
    """Return the instances that can do a step; those of other clusters only if none here can."""
    has_files = row.payload_id is not None
    asked = placing.required(spec.topic).merged(spec.placement.requires)
    need = Need(topic=spec.topic, files=has_files, requires=asked)
    found = [one.instance for one in plan(need, snapshot().topology, now()).candidates]
    here = [one.name for one in found if not one.peer]
    return here or [one.name for one in found]


def _earlier(run: Locked, found: Plan, spec: StepSpec) -> list[str]:
    """Return the jobs that made a step's inputs, or else those of the steps that it waited for."""
    makers = [run.graph.makers[one] for one in spec.inputs if one in run.graph.makers]
    names = dict.fromkeys(makers or run.graph.needs(spec))
    jobs = [found[each].job for one in names for each in (one, *plans.members(found, one))]
    return [one for one in jobs if one]


def _most(names: Sequence[str]) -> str:
    """Return the most frequent name; of equally frequent ones, the last."""
    known = [one for one in reversed(names) if one]
    return Counter(known).most_common(1)[0][0] if known else ""
