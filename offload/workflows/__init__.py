"""Workflows: named canvases whose steps are jobs, and the runs of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.lazy import public
from offload.core.workflows.conditions import media_type, result
from offload.core.workflows.plans import StepState
from offload.core.workflows.run_states import RunState
from offload.workflows.definitions import Definition, definition, workflow
from offload.workflows.step_signatures import step
from offload.workflows.wait_steps import approval, event, hand_over, until

if TYPE_CHECKING:
    from offload.workflows.event_sending import send_event
    from offload.workflows.handles import RunHandle
    from offload.workflows.runs import copy_run, start

__all__ = [
    "Definition",
    "RunHandle",
    "RunState",
    "StepState",
    "approval",
    "copy_run",
    "definition",
    "event",
    "hand_over",
    "media_type",
    "result",
    "send_event",
    "start",
    "step",
    "until",
    "workflow",
]

#: Modules that other rooms use besides.
FOR_ROOMS = ["catalogue", "definitions", "runs", "wait_steps"]

#: Loaded when first used: definitions are made before models are ready.
HOMES = {
    "RunHandle": "offload.workflows.handles",
    "copy_run": "offload.workflows.runs",
    "send_event": "offload.workflows.event_sending",
    "start": "offload.workflows.runs",
}


def __getattr__(name: str) -> Any:
    """Load a public name that needs models from its home."""
    return public(__name__, HOMES, name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
