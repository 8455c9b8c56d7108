"""Listeners of the topology: code that is told when instances come, go, or change."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from offload.core.discovery.differences import TopologyDifference, difference
from offload.core.discovery.events import TopologyEvent, TopologyEventKind
from offload.core.discovery.views import InstanceView, TopologyView
from offload.topology.declarations import listener

if TYPE_CHECKING:
    from offload.topology.hub import listen
    from offload.topology.listeners import Listener

__all__ = [
    "InstanceView",
    "Listener",
    "TopologyDifference",
    "TopologyEvent",
    "TopologyEventKind",
    "TopologyView",
    "difference",
    "listen",
    "listener",
]
#: Modules that other rooms use, and sites do not.
FOR_ROOMS = ["hub"]

#: Loaded when first used: listeners are declared before models are ready.
HOMES = {"Listener": "offload.topology.listeners", "listen": "offload.topology.hub"}


def __getattr__(name: str) -> Any:
    """Load a public name that needs models from its home."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
