"""offload in Django's admin: rules, switches and queues can be edited, the rest only viewed."""

from __future__ import annotations

from offload.admin import (
    change_history,
    instances,
    jobs,
    launchers,
    peers,
    queues,
    resources,
    rules,
    runs,
    viewers,
)

__all__ = [
    "change_history",
    "instances",
    "jobs",
    "launchers",
    "peers",
    "queues",
    "resources",
    "rules",
    "runs",
    "viewers",
]
