"""Celery's canvas as rows: Celery's own code expands it; every node becomes a job or a relay."""

from __future__ import annotations

__all__ = [
    "batches",
    "failing",
    "following",
    "freezing",
    "hooks",
    "plain_tasks",
    "relays",
    "replace",
]
