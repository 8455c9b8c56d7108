"""Jobs on their way to an instance: stored, bound, sent, sent again."""

from __future__ import annotations

__all__ = [
    "announcements",
    "dispatching",
    "full_lanes",
    "offering",
    "overdue",
    "remote_sending",
    "republishing",
    "reserving",
    "submission",
    "subscribing",
    "why_there",
]
