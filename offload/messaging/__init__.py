"""Celery's app and broker as offload uses them: who is installed, and what is sent."""

from __future__ import annotations

__all__ = ["installation", "log_throttle", "names", "publisher", "timeouts"]
