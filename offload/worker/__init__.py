"""Celery's running side: the task, its request, the boot steps, and the agent beside a worker."""

from __future__ import annotations

__all__ = ["install", "parent", "pool", "tasks"]
