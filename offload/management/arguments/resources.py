"""Amounts of resources on the command line: ``--resource maya=1``."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidResource
from offload.core.matching.amounts import NO_RESOURCES, Amounts

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterable

NONE_WORD = "none"
REFUSAL = "{text!r:.60} is no amount of a resource{problem}. Write maya, or maya=2"


def add(parser: ArgumentParser, *, also: str = "") -> None:
    """Add the argument; ``also`` ends its help."""
    parser.add_argument(
        "--resource", action="append", type=amount, metavar="NAME=N", dest="resources",
        help="how much a job uses of a resource: maya=1; repeat it for more; "
        f"see: offload resources{also}",
    )  # fmt: skip


def amount(text: str) -> Amounts:
    """Return the amount that an argument stands for; a name alone is one of it.

    Raise ArgumentTypeError for anything else.
    """
    if text == NONE_WORD:
        return NO_RESOURCES
    name, sign, number = text.partition("=")
    value = int(number) if number.isdecimal() and number.isascii() and len(number) < 9 else number
    try:
        return Amounts.of({name: value if sign else 1})
    except InvalidResource as error:
        raise ArgumentTypeError(REFUSAL.format(text=text, problem=f": {error.problem}")) from error


def together(given: Iterable[Amounts] | None) -> dict[str, Any] | None:
    """Return all amounts of a command line as one object; None if it has none."""
    if given is None:
        return None
    found = NO_RESOURCES
    for one in given:
        found = found.merged(one)
    return found.given
