"""Questions that people ask about the cluster: answered once for pages, commands and JSON."""

from __future__ import annotations

__all__ = [
    "applied",
    "cluster",
    "explain",
    "failures",
    "history",
    "instance_rows",
    "lines",
    "losses",
    "overview",
    "queues",
    "rulebook",
    "stalls",
    "steps",
]
