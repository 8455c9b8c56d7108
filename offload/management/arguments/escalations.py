"""Escalations on the command line: ``--retry-with ram_gb=2``."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidPlacement
from offload.core.matching.escalation import NO_ESCALATION, Escalation
from offload.management.arguments.requirements import NONE_WORD

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterable


def add(parser: ArgumentParser, *, also: str = "") -> None:
    """Add the argument; ``also`` ends its help."""
    parser.add_argument(
        "--retry-with", action="append", type=escalation, metavar="NAME=FACTOR",
        help="multiply a least number that is required after an attempt ran out of memory or time: "
        f"ram_gb=2, or ram_gb=2:out_of_memory, time=2:timed_out; repeat it for more{also}",
    )  # fmt: skip


def escalation(text: str) -> Escalation:
    """Return the escalation that an argument stands for; raise ArgumentTypeError for no factor."""
    if text == NONE_WORD:
        return NO_ESCALATION
    name, _, value = text.partition("=")
    factor, colon, after = value.partition(":")
    asked: Any = {"times": _read(factor), "after": after.split(",")} if colon else _read(factor)
    try:
        return Escalation.of({name.strip(): asked})
    except InvalidPlacement as error:
        refusal = f"{text!r:.60} is no escalation: {error.problem}. Write ram_gb=2"
        raise ArgumentTypeError(refusal) from error


def together(given: Iterable[Escalation] | None) -> dict[str, Any] | None:
    """Return all escalations of a command line as one object; None if it has none."""
    if given is None:
        return None
    found = NO_ESCALATION
    for one in given:
        found = found.replaced(one)
    return found.given


def _read(value: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
