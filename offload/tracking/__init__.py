"""The one writer of job states: every transition is a fenced statement in here."""

from __future__ import annotations

__all__ = [
    "async_completion",
    "bindings",
    "changes",
    "claiming",
    "drafts",
    "fencing",
    "limits",
    "placeholders",
    "queries",
    "relays",
    "requeue",
    "runs",
    "selectors",
    "slots",
    "terminations",
]
