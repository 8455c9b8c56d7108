"""Who is there and may run what: membership, leadership, rules, and the snapshot of it all."""

from __future__ import annotations

__all__ = [
    "consumers",
    "departures",
    "duties",
    "each",
    "leadership",
    "membership",
    "observing",
    "row_values",
    "rule_effects",
    "rule_enforcement",
    "rules",
    "snapshots",
]
