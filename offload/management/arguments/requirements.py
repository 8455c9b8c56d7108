"""Requirements on the command line: ``--require 'ram_gb>=64'``."""

from __future__ import annotations

import json
import re
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidRequirement
from offload.core.matching.constraints import LABELS
from offload.core.matching.requirements import Requirements

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterable

EXPRESSION = re.compile(r"(?P<name>[^\s=!<>]+)\s*(?:(?P<how>>=|<=|==|!=|=|>|<)\s*(?P<value>.+))?")
NONE_WORD = "none"
REFUSAL = "{text!r:.60} is no requirement{problem}. Write gpu, 'ram_gb>=64' or labels=licensed"


def add(parser: ArgumentParser, *, also: str = "") -> None:
    """Add the argument; ``also`` ends its help."""
    parser.add_argument(
        "--require", action="append", type=requirement, metavar="'NAME>=VALUE'", dest="requires",
        help="what an instance must have: gpu, 'ram_gb>=64', model=a100, labels=licensed; "
        f"repeat it for more{also}",
    )  # fmt: skip


def requirement(text: str) -> Requirements:
    """Return the requirement that an argument stands for.

    A name alone asks for true. Values are read as JSON if possible, otherwise as text. Raise
    ArgumentTypeError for anything else.
    """
    if text == NONE_WORD:
        return Requirements()
    found = EXPRESSION.fullmatch(text.strip())
    if found is None:
        raise ArgumentTypeError(REFUSAL.format(text=text, problem=""))
    name, how, value = found["name"], found["how"] or "=", found["value"]
    asked = True if value is None else _read(value)
    try:
        return Requirements.of({name: _compared(name, how, asked)})
    except InvalidRequirement as error:
        raise ArgumentTypeError(REFUSAL.format(text=text, problem=f": {error.problem}")) from error


def together(given: Iterable[Requirements] | None) -> dict[str, Any] | None:
    """Return all requirements of a command line as one object; None if it has none."""
    if given is None:
        return None
    found = Requirements()
    for one in given:
        found = found.merged(one)
    return found.given


def _compared(name: str, how: str, asked: object) -> object:
    if name == LABELS:
        return [asked] if how == "=" else {how: asked}
    return asked if how == "=" else {how: asked}


def _read(value: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
