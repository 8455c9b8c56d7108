"""Numbers on the command line."""

from __future__ import annotations

from argparse import ArgumentTypeError

from offload.core.bounds import ROWS


def positive(text: str) -> int:
    """Read how many rows or jobs; raise ArgumentTypeError for anything else."""
    if not text.isdecimal() or int(text[:20]) not in ROWS:
        raise ArgumentTypeError(f"{text!r:.60} is not {ROWS}")
    return int(text)
