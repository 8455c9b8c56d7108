"""The fleet: membership, leadership, jobs that are given back, and the snapshot of it all."""

from __future__ import annotations

__all__ = [
    "clashes",
    "consumers",
    "departures",
    "duties",
    "each",
    "giving_back",
    "leadership",
    "membership",
    "observing",
    "own_facts",
    "properties",
    "remote",
    "row_values",
    "snapshots",
]
