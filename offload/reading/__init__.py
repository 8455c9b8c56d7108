"""Queries for people about the cluster, the same for pages, commands and JSON."""

from __future__ import annotations

__all__ = [
    "cluster",
    "jobs",
    "overview",
    "payloads",
    "peers",
    "rules",
    "runs",
    "tables",
    "transfers",
    "waiting",
]
