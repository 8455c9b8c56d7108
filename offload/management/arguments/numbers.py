"""Numbers on the command line."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from offload.core.retries import UNLIMITED_RETRIES
from offload.core.validation.bounds import RETRIES, ROWS
from offload.management.arguments import times

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.core.validation.bounds import Bound


#: Longest number that is read, in characters.
NUMBER_CHARACTERS_MAX = 20
FOREVER = "forever"


def positive(text: str) -> int:
    """Read a number of rows or jobs; raise ArgumentTypeError for anything else."""
    return whole(text, ROWS)


def whole(text: str, bound: Bound) -> int:
    """Read a whole number within a bound; raise ArgumentTypeError for anything else."""
    # int() would accept decimal digits of any script, and be slow for very many of them.
    is_read = text.removeprefix("-").isdecimal() and len(text) <= NUMBER_CHARACTERS_MAX
    if not is_read or int(text) not in bound:
        raise ArgumentTypeError(f"{text!r:.60} is not {bound}")
    return int(text)


def number(text: str, bound: Bound) -> float:
    """Read a number within a bound; raise ArgumentTypeError for anything else."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if found not in bound:
        raise ArgumentTypeError(f"{text!r:.60} is not {bound}")
    return found


def retries(text: str) -> int:
    """Read a number of retries; raise ArgumentTypeError for anything else."""
    return UNLIMITED_RETRIES if text == FOREVER else whole(text, RETRIES)


def retry_options(parser: ArgumentParser) -> None:
    """Add the options for a job's retries and their delay."""
    parser.add_argument(
        "--retries",
        type=retries,
        metavar="N",
        help="further attempts after a failure; forever, or -1, for no limit",
    )
    parser.add_argument(
        "--retry-delay", type=times.duration, metavar="5s", help="delay before the first retry"
    )
