"""Arguments of queues about the instances that run their jobs."""

from __future__ import annotations

from argparse import BooleanOptionalAction
from typing import TYPE_CHECKING, Any

from offload.management.arguments import escalations, preferences, requirements, resources

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping


def add(parser: ArgumentParser) -> None:
    """Add the arguments."""
    requirements.add(parser, also="; none asks for nothing")
    preferences.add(parser, also="; none prefers nothing")
    escalations.add(parser, also="; none raises nothing")
    resources.add(parser, also="; none uses nothing")
    parser.add_argument(
        "--leader-only", action=BooleanOptionalAction, default=None,
        help="run its jobs at the leading instance alone",
    )  # fmt: skip
    parser.add_argument(
        "--prefer-creation-instance", action=BooleanOptionalAction, default=None,
        help="let a job that another one submits wait a moment for the instance of that one",
    )  # fmt: skip


def read(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the given fields as they are stored."""
    parts = {
        "requires": requirements,
        "prefers": preferences,
        "retry_with": escalations,
        "resources": resources,
    }
    return {name: part.together(fields[name]) for name, part in parts.items() if name in fields}
