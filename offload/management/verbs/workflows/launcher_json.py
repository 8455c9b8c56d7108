"""Launchers as JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.launchers.launching import workflow_problem

if TYPE_CHECKING:
    from offload.models import Launcher

NAMES = (
    "name", "enabled", "event", "pattern", "exclude", "include", "size_min", "size_max",
    "workflow", "parameters", "input_name", "takes_outputs",
)  # fmt: skip


def problem_of(one: Launcher) -> str:
    """Say why a launcher cannot start anything; return "" if it can."""
    return one.problem or workflow_problem(one.workflow)


def facts(one: Launcher) -> dict[str, Any]:
    """Return a launcher as JSON values."""
    return {**{name: getattr(one, name) for name in NAMES}, "problem": problem_of(one) or None}
