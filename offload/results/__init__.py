"""Celery's result backends: storing, reading and raising results."""

from __future__ import annotations

__all__ = ["group_results", "result_backend", "task_results"]
