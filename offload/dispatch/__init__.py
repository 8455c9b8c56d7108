"""Jobs on their way to an instance: submitted, bound, sent, sent again."""

from __future__ import annotations

__all__ = [
    "announcements",
    "dispatching",
    "republishing",
    "submission",
    "subscribing",
    "unbegun",
]
