"""Views of small fleets, for the tests."""

from __future__ import annotations

from typing import Any

from offload.core.discovery.topology_views import InstanceView, TopologyView


def one(name: str, incarnation: str = "1", **facts: Any) -> InstanceView:
    """Return an instance, changed by ``facts``."""
    return InstanceView(name=name, incarnation=incarnation, cluster="home", **facts)


def view(*instances: InstanceView, local: str | None = None) -> TopologyView:
    """Return a view of these instances."""
    return TopologyView(version=1, instances=instances, local_name=local)
