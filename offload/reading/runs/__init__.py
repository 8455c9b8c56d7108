"""Runs of workflows: their list, and how far the steps of each are."""

from __future__ import annotations

__all__ = [
    "launcher_lines",
    "run_lines",
    "run_page",
    "run_places",
    "unplaced",
    "waiting_steps",
]
