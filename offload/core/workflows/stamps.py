"""Stamps: names and values that a caller puts on a canvas, to find it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def is_stamped(stamps: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return whether any stamp has one of the wanted values; a stamp may have several values."""
    return any(
        value in _several(values)
        for name, values in wanted.items()
        for value in _several(stamps.get(name))
    )


def wanted_stamps(given: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """Return stamps by name; they may be given as ``name=value``, as in a terminal."""
    if isinstance(given, Mapping):
        return dict(given)
    found: dict[str, list[str]] = {}
    for one in given:
        name, _, value = one.partition("=")
        found.setdefault(name, []).append(value)
    return found


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
