"""Celery's canvas as rows: its own code expands it, and every node becomes a job or a relay."""

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
