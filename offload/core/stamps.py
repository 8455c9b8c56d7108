"""Stamps: names and values that a caller put on a canvas, by which it is found again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def is_stamped(stamps: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return whether any stamp has one of the wanted values; each is one value or several."""
    return any(
        value in _several(values)
        for name, values in wanted.items()
        for value in _several(stamps.get(name))
    )


def wanted_stamps(given: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """Return stamps by name, also where they were given as ``name=value``, as in a terminal."""
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
