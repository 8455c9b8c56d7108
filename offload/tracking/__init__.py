"""The one writer of job states: every transition is a fenced statement in here."""

from __future__ import annotations

__all__ = [
    "assignments",
    "async_completion",
    "binding",
    "claiming",
    "drafts",
    "fencing",
    "finishing",
    "groups",
    "lane_changes",
    "logs",
    "peers",
    "queries",
    "relays",
    "replacements",
    "requeue",
    "selectors",
    "state_changes",
    "terminations",
]
