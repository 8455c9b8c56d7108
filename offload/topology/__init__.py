"""The topology for a site's code: views, and listeners that hear of instances and changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.discovery.differences import TopologyDifference, difference
from offload.core.discovery.events import TopologyEvent, TopologyEventKind
from offload.core.discovery.topology_views import ClusterView, InstanceView, TopologyView
from offload.core.lazy import public
from offload.topology.declarations import listener
from offload.topology.providers import topology_property

if TYPE_CHECKING:
    from offload.topology.current import news_ages, view
    from offload.topology.hub import listen
    from offload.topology.listeners import Listener
    from offload.topology.remote_facts import RemoteNews, RemoteRule, remote_news

__all__ = [
    "ClusterView",
    "InstanceView",
    "Listener",
    "RemoteNews",
    "RemoteRule",
    "TopologyDifference",
    "TopologyEvent",
    "TopologyEventKind",
    "TopologyView",
    "difference",
    "listen",
    "listener",
    "news_ages",
    "remote_news",
    "topology_property",
    "view",
]
#: Modules for other rooms only.
FOR_ROOMS = ["current", "hub", "providers", "providing"]

#: Loaded when first used: listeners are declared before models are ready.
HOMES = {
    "Listener": "offload.topology.listeners",
    "listen": "offload.topology.hub",
    "news_ages": "offload.topology.current",
    "RemoteNews": "offload.topology.remote_facts",
    "RemoteRule": "offload.topology.remote_facts",
    "remote_news": "offload.topology.remote_facts",
    "view": "offload.topology.current",
}


def __getattr__(name: str) -> Any:
    """Load a public name that needs models from its home."""
    return public(__name__, HOMES, name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
