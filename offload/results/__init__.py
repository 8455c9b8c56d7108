"""Celery's result backends: what is stored there, read from there, and raised."""

from __future__ import annotations

__all__ = ["giving_back", "result_backend", "task_results"]
