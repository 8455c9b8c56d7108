"""Runs of workflows: what may begin after each end, under the run's own lock."""

from __future__ import annotations

__all__ = [
    "advancing",
    "deciding",
    "locking",
    "placeholders",
    "placing",
    "relocating",
    "step_decisions",
    "step_ends",
    "step_tokens",
    "step_waits",
]
