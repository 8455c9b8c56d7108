"""Celery's app and broker: the installed app, and messages."""

from __future__ import annotations

__all__ = [
    "breaker",
    "clusters",
    "installation",
    "log_throttle",
    "names",
    "publisher",
    "timeouts",
    "wakeups",
]
