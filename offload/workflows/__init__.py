"""Workflows: named canvases whose steps are jobs, and the runs of them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from offload.workflows.definitions import Definition, definition, step, workflow

if TYPE_CHECKING:
    from offload.workflows.runs import start

__all__ = ["Definition", "definition", "start", "step", "workflow"]


def __getattr__(name: str) -> Any:
    """Load what needs models when it is first used: definitions are made before they are ready."""
    if name != "start":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("offload.workflows.runs").start
