"""Properties of instances: which names and values they may have, and who gives each of them."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from offload.core.exceptions import InvalidProperty
from offload.core.validation.job_properties import text_problem

if TYPE_CHECKING:
    from collections.abc import Iterable

#: A number, a text, true, false or null.
Scalar = str | int | float | bool | None

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: Characters of a name, and of a value that is a text.
PROPERTY_NAME_MAX, TEXT_MAX = 64, 255
#: Bits of a whole number.
ANNOUNCED_INTEGER_BITS_MAX = 63

#: The properties that every instance announces by itself.
BUILT_IN = (
    "host",
    "platform",
    "cpus",
    "memory",
    "python",
    "celery",
    "offload",
    "code_version",
    "wakeups",
)
#: Where they are given.
BUILT_IN_PLACE = "offload itself"


def name_problem(name: object) -> str:
    """Say why something cannot name a property, or return nothing."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return f"has the name {name!r:.120}, which is not made of letters, digits, '.', '_' and '-'"
    too_long = len(name) > PROPERTY_NAME_MAX
    return (
        f"has a name of {len(name)} characters, and {PROPERTY_NAME_MAX} are allowed"
        if too_long
        else ""
    )


def plain_value(name: str, value: object) -> Scalar:
    """Return a property's value as a plain one; raise InvalidProperty if it can have none such."""
    if problem := _value_problem(value):
        raise InvalidProperty(name=name, problem=f"its value {problem}")
    plain: Scalar = json.loads(json.dumps(value))
    return plain


def _value_problem(value: object) -> str:
    match value:
        case None | bool():
            return ""
        case str():
            return text_problem(value) or _length_problem(value)
        case int():
            fits = value.bit_length() <= ANNOUNCED_INTEGER_BITS_MAX
            return "" if fits else "does not fit into 64 bits"
        case float():
            return "" if math.isfinite(value) else f"is {value}, which JSON does not have"
    return f"is of type {type(value).__name__}"


def _length_problem(text: str) -> str:
    too_long = len(text) > TEXT_MAX
    return f"has {len(text)} characters, and {TEXT_MAX} are allowed" if too_long else ""


def clashes(given: Iterable[tuple[str, str]]) -> list[str]:
    """Return which names are given in several places, as sentences that say what to do.

    ``given`` are names, each with its place, beside those that every instance announces.
    """
    places: dict[str, dict[str, None]] = defaultdict(dict)
    for name, place in (*((name, BUILT_IN_PLACE) for name in BUILT_IN), *given):
        places[name][place] = None
    return [
        f"The property {name!r} is given by {' and by '.join(by)}. Rename all but one of them."
        for name, by in sorted(places.items())
        if len(by) > 1
    ]
