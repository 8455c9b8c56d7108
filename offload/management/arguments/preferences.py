"""Preferences on the command line: ``--prefer 'ram_gb>=64:2'``."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidPreference
from offload.core.matching.preferences import INDIFFERENT, Preferences
from offload.management.arguments.requirements import NONE_WORD, requirement

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterable

REFUSAL = "{text!r:.60} is no preference{problem}. Write gpu:5, 'ram_gb>=64:2' or labels=shared:-2"


def add(parser: ArgumentParser, *, also: str = "") -> None:
    """Add the argument; ``also`` ends its help."""
    parser.add_argument(
        "--prefer", action="append", type=preference, metavar="'NAME>=VALUE:WEIGHT'",
        dest="prefers",
        help="what an instance had better have, with its weight: gpu:5, 'ram_gb>=64:2', "
        f"labels=shared:-2; repeat it for more{also}",
    )  # fmt: skip


def preference(text: str) -> Preferences:
    """Return the preference that an argument stands for: as a requirement, a colon, and a weight.

    Raise ArgumentTypeError for anything else.
    """
    if text == NONE_WORD:
        return INDIFFERENT
    asked, colon, weight = text.rpartition(":")
    if not colon:
        raise ArgumentTypeError(REFUSAL.format(text=text, problem=": it has no weight"))
    try:
        return Preferences.of([(requirement(asked).given, _number(weight))])
    except InvalidPreference as error:
        raise ArgumentTypeError(REFUSAL.format(text=text, problem=f": {error.problem}")) from error


def together(given: Iterable[Preferences] | None) -> list[list[Any]] | None:
    """Return all preferences of a command line as JSON values; None if it has none."""
    if given is None:
        return None
    found = INDIFFERENT
    for one in given:
        found = found.merged(one)
    return found.given


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
