"""Celery's app and broker: the installed app, and messages."""

from __future__ import annotations

__all__ = ["clusters", "installation", "log_throttle", "names", "publisher", "timeouts"]
