"""The Offloading Browser: pages in the admin that show the cluster and steer it."""

from __future__ import annotations

__all__ = [
    "access",
    "ages",
    "badges",
    "cluster",
    "jobs",
    "keys",
    "live",
    "outage",
    "runs",
    "values",
]
