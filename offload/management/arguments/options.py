"""What every verb's parser takes, and those of its actions."""

from __future__ import annotations

import argparse
from typing import Any


def general(parser: argparse.ArgumentParser) -> None:
    """Let a parser below the command's own take the general options too."""
    unset: dict[str, Any] = {"action": "store_true", "default": argparse.SUPPRESS}
    parser.add_argument("--json", dest="as_json", help="for programs", **unset)
    for option in ("--no-color", "--force-color", "--traceback"):
        parser.add_argument(option, help=argparse.SUPPRESS, **unset)
    for option in ("--settings", "--pythonpath"):
        parser.add_argument(option, help=argparse.SUPPRESS, default=argparse.SUPPRESS)
