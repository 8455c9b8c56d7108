"""Facts of a cluster, from which matrices are made."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from offload.core.policies import DEFAULT_POLICY, Policy
from offload.core.topics import Pattern
from offload.reading.cluster.facts import ClusterFacts
from offload.reading.cluster.instance_rows import Line
from offload.reading.rules.applied import Applied
from tests.unit.core.placement.fleet import NOW, topology

if TYPE_CHECKING:
    from offload.browser.cluster.matrix import Matrix
    from offload.core.placement.topology import InstanceInfo, RoutingRule
    from offload.reading.cluster.cells import Cell

HERE, THERE = "render@host2", "gpu@host2"


def line(*rules: RoutingRule, **facts: Any) -> Line:
    """Return the line of an instance that has applied these rules."""
    usual: dict[str, Any] = {
        "beat_age": 1.0,
        "beat_at": NOW,
        "up_for": 3600.0,
        "started_at": NOW - timedelta(hours=1),
        "host": "host2",
        "pid": 12,
        "applied": Applied(version=1, is_off=False, rules=rules),
    }
    return Line(**(usual | facts))


def facts(
    *instances: InstanceInfo, rules: tuple[RoutingRule, ...] = (), **others: Any
) -> ClusterFacts:
    """Return facts about instances that have applied the rules, changed by `others`."""
    usual: dict[str, Any] = {"lines": {one.name: line(*rules) for one in instances}}
    return ClusterFacts(now=NOW, topology=topology(*instances, rules=rules), **(usual | others))


def cell(page: Matrix, topic: str, name: str = HERE) -> Cell:
    """Return one cell of the page."""
    row = next(row for row in page.rows if row.topic == topic)
    return next(one for one in row.cells if one.instance == name)


def policy(name: str, pattern: str, **options: Any) -> Policy:
    """Return a policy for a pattern."""
    return Policy(
        name=name, patterns=(Pattern.parse(pattern),), retry=DEFAULT_POLICY.retry, **options
    )
