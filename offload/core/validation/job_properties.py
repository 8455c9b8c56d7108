"""The properties of a job: strict JSON that any database and any process can hold."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from offload.core.exceptions import InvalidProperties

if TYPE_CHECKING:
    from collections.abc import Iterator

# Enough for people, and far below the limits of parsers.
DEPTH_MAX = 64

# JavaScript and PostgreSQL differ on larger ones, and Python refuses to print very large ones.
INTEGER_BITS_MAX = 1024

# To make one takes as long as to encode a few values.
COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))

# Characters of a key, and of the path to it, that an error shows.
KEY_MAX, PATH_MAX = 40, 200


def check_properties(value: object, limit_bytes: int) -> dict[str, object]:
    """Return a copy as plain JSON types; tuples become lists.

    Raise InvalidProperties, with the path of the offending value, unless it is a JSON object of at
    most `limit_bytes` as compact UTF-8.
    """
    if not isinstance(value, Mapping):
        raise InvalidProperties(path="properties", problem=f"is {_kind(value)}, not an object")
    value = dict(value)
    _check(value, "properties", depth=0)
    text = COMPACT.encode(value)
    size = len(text.encode())
    if size > limit_bytes:
        problem = f"has {size} bytes as JSON, {limit_bytes} are allowed"
        raise InvalidProperties(path="properties", problem=problem)
    copy: dict[str, object] = json.loads(text)
    return copy


def is_nested_deeper(value: object, levels: int) -> bool:
    """Tell whether lists and objects are nested deeper than that many levels."""
    pending = [(value, 1)]
    while pending:
        inner, level = pending.pop()
        if not isinstance(inner, dict | list | tuple):
            continue
        if level > levels:
            return True
        values = inner.values() if isinstance(inner, dict) else inner
        pending.extend((one, level + 1) for one in values)
    return False


def _check(value: object, path: str, depth: int) -> None:
    if problem := _problem(value, depth):
        raise InvalidProperties(path=path, problem=problem)
    for key, inner in _children(value):
        _check(inner, f"{path[:PATH_MAX]}{key}", depth + 1)


def _children(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        yield from ((f".{key:.{KEY_MAX}}", inner) for key, inner in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"[{index}]", inner) for index, inner in enumerate(value))


def _problem(value: object, depth: int) -> str:
    match value:
        case None | bool():
            return ""
        case str():
            return text_problem(value)
        case int():
            too_long = value.bit_length() > INTEGER_BITS_MAX
            return f"has more than {INTEGER_BITS_MAX} bits" if too_long else ""
        case float():
            return "" if math.isfinite(value) else f"is {value}, which JSON does not have"
        case dict() | list() | tuple():
            return _container_problem(value, depth)
    return f"is {_kind(value)}, which JSON does not have"


def _container_problem(
    value: dict[object, object] | list[object] | tuple[object, ...], depth: int
) -> str:
    if depth >= DEPTH_MAX:
        return f"is nested more than {DEPTH_MAX} deep"
    for key in value if isinstance(value, dict) else ():
        if not isinstance(key, str):
            return f"has the key {key!r:.80}, which is not text"
        if problem := text_problem(key):
            return f"has the key {key!r:.80}, which {problem}"
    return ""


def text_problem(text: str) -> str:
    """Say why no database could hold a text, or return nothing."""
    if "\0" in text:
        return "contains NUL, which PostgreSQL cannot store"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "contains half a surrogate pair, which is not text"
    return ""


def _kind(value: object) -> str:
    return f"of type {type(value).__name__}"
