"""The end of a rule or a switch: after a duration, or at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.fleet.snapshots import now
from offload.management.arguments import times

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping
    from datetime import datetime


def add(parser: ArgumentParser) -> None:
    """Add the two ways to say when it ends by itself; only one may be used."""
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--for",
        dest="duration",
        type=times.span,
        metavar="30m",
        help="expire after this long: 90s, 30m, 1h30m, 2d",
    )
    ways.add_argument(
        "--until",
        type=times.time_to_come,
        metavar="TIME",
        help="expire then, in the site's zone: 18:30 (the next one), or 2026-03-01T18:30",
    )


def of(options: Mapping[str, Any]) -> datetime | None:
    """Return the end that the options give, or None for none."""
    if options.get("duration"):
        found: datetime = now() + options["duration"]
        return found
    until: datetime | None = options.get("until")
    return until
