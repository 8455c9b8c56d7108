"""The choice of one instance for several topics: where all that is left of a run can be done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

from offload.core.matching.preferences import Preferences
from offload.core.placement.reasons import Verdict
from offload.core.placement.routing import plan, rank
from offload.core.policies import ClusterOrder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from offload.core.placement.cluster_order import Load
    from offload.core.placement.routing import Candidate, Need
    from offload.core.placement.topology import Topology

#: Topics whose obstacles are told of each instance.
TOLD_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """The instances that can do everything, and why the others cannot."""

    #: In the order of their names.
    candidates: tuple[Candidate, ...]
    #: One per instance, with what keeps it from the first topics that it cannot do.
    verdicts: tuple[Verdict, ...]

    @property
    def names(self) -> frozenset[str]:
        """Return the names of those that can."""
        return frozenset(one.instance.name for one in self.candidates)

    @property
    def problem(self) -> str:
        """Return why none can, as sentences; "" if one can."""
        if self.candidates:
            return ""
        if not self.verdicts:
            return "No instance is known. Start a worker."
        details = [one.reason.detail for one in self.verdicts if one.reason]
        return " ".join(["No instance can do every step.", *details])


def joint(needs: Sequence[Need], topology: Topology, now: datetime) -> Joint:
    """Return which instances can and may run jobs of all these needs; ignore their load."""
    plans = [plan(one, topology, now).verdicts for one in dict.fromkeys(needs)]
    verdicts = tuple(_verdict(each) for each in zip(*plans, strict=True))
    able = {one.instance for one in verdicts if one.can_run}
    first = plan(needs[0], topology, now).candidates if needs else ()
    return Joint(
        candidates=tuple(one for one in first if one.instance.name in able), verdicts=verdicts
    )


def chosen(
    needs: Sequence[Need],
    found: Joint,
    load: Load,
    order: ClusterOrder = ClusterOrder.LOCAL_FIRST,
) -> str:
    """Return the best instance that can do everything, as one job's is chosen; "" if none can.

    The weights of the preferences of all jobs add up.
    """
    if not found.candidates:
        return ""
    wished = reduce(Preferences.merged, [one.prefers for one in needs])
    return rank(replace(needs[0], prefers=wished), found.candidates, load, order)[0].instance.name


def _verdict(each: Sequence[Verdict]) -> Verdict:
    """Return the verdict on an instance whose verdicts on single topics are these."""
    reasons = list(dict.fromkeys(one.reason for one in each if one.reason))
    if not reasons:
        return each[0]
    farthest = max(reasons, key=lambda one: one.obstacle.distance)
    detail = " ".join(one.detail for one in reasons[:TOLD_MAX])
    return Verdict(
        instance=each[0].instance,
        task=each[0].task if all(one.task for one in each) else None,
        reason=replace(farthest, detail=detail),
    )
