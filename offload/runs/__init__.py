"""Runs of workflows: what may begin after each end, under the run's own lock."""

from __future__ import annotations

__all__ = ["advancing", "locking", "step_ends"]
