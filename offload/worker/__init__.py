"""The running side of Celery: tasks, requests, boot steps, and the agent beside a worker."""

from __future__ import annotations

__all__ = ["install", "parent", "pool", "tasks"]
