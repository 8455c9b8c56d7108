"""Changes by people, the same for pages and commands."""

from __future__ import annotations

__all__ = [
    "approvals",
    "bulk",
    "changes",
    "handles",
    "resource_reports",
    "run_previews",
    "runs",
    "submission",
    "waiting",
]
