"""Plain Celery tasks inside a canvas of jobs."""

from __future__ import annotations


def sweep() -> int:
    """Publish what was stored and not sent."""
    return 0
