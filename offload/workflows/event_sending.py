"""Sending events to steps that wait for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.operations import approvals
from offload.workflows.handles import RunHandle
from offload.workflows.wait_steps import event_name

if TYPE_CHECKING:
    from offload.workflows.handles import RunHandle as Handle


def send_event(
    name: str, value: Any = None, *, run: Handle | str = "", first: bool = False
) -> list[tuple[RunHandle, str]]:
    """End the steps that wait for an event of this name; return their runs and names.

    ``name`` is the event's. ``value`` is any JSON value, which becomes their result. Every step
    that waits for the name now ends: of all runs, or of one ``run``; or the ``first`` alone, that
    has waited longest. An event is not kept for steps that begin to wait later. Raise
    ConfigurationError for a name that is none, InvalidValue for a value that is no JSON, with
    nothing ended.
    """
    ended = approvals.send_event(event_name(name), value, run_id=str(run), first=first)
    return [(RunHandle(one.run_id), one.step) for one in ended]
