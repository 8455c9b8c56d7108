"""Columns of the matrix: the instances of all clusters, each told by its one name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.placement.instance_conditions import Condition, condition
from offload.core.placement.topology import Mode
from offload.reading.cluster.lines import InstanceLine

if TYPE_CHECKING:
    from offload.core.placement.topology import InstanceInfo
    from offload.reading.cluster.facts import ClusterFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """An instance of this cluster or of another one, as it is now."""

    #: In another cluster, ``cluster/node@host``.
    name: str
    #: The cluster that it is in; empty for the own one.
    peer: str = ""
    condition: Condition
    is_off: bool
    is_leader: bool
    #: Whether it, or its cluster, has not been heard for too long.
    is_silent: bool
    #: Whether it has not applied the current rules.
    is_behind: bool = False
    #: The number of jobs that it is running, and that it runs at once.
    running: int
    concurrency: int
    #: Whether it takes no work, or follows outdated rules.
    has_problem: bool


def instances(facts: ClusterFacts) -> tuple[InstanceInfo, ...]:
    """Return the live instances of the own cluster, then those that other clusters announced."""
    own = (one for one in facts.known if one.is_live)
    return (*own, *sorted(facts.topology.remote, key=lambda one: (one.peer, one.nodename)))


def column_of(facts: ClusterFacts, instance: InstanceInfo) -> Column:
    """Return the column of an instance."""
    return _remote(facts, instance) if instance.peer else _own(facts, instance)


def _own(facts: ClusterFacts, instance: InstanceInfo) -> Column:
    line = facts.instance_line(instance, InstanceLine)
    return Column(
        name=line.name,
        condition=line.condition,
        is_off=line.is_off,
        is_leader=line.is_leader,
        is_silent=line.is_silent,
        is_behind=line.is_behind,
        running=line.running,
        concurrency=line.concurrency,
        has_problem=line.has_problem,
    )


def _remote(facts: ClusterFacts, instance: InstanceInfo) -> Column:
    """Return the column of another cluster's instance as that announced it."""
    line = facts.remote.get(instance.name)
    said = line.running if line else None
    # Ours alone, unless it says how many it runs.
    running = facts.counts.running_on(instance.name) if said is None else said
    takes_work = instance.mode is Mode.READY and not instance.is_off and not instance.is_silent
    return Column(
        name=instance.name,
        peer=instance.peer,
        condition=condition(
            instance.mode, is_off=instance.is_off, is_full=running >= instance.concurrency
        ),
        is_off=instance.is_off,
        is_leader=instance.is_leader,
        is_silent=instance.is_silent,
        running=running,
        concurrency=instance.concurrency,
        has_problem=not takes_work,
    )
