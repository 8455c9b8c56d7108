"""The parameters of a workflow: what its function takes, by names and simple types."""

from __future__ import annotations

import inspect
import types
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from offload.core.validation.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Types whose values are JSON; a parameter of any other type is not examined.
SIMPLE = {int, float, str, bool, list, dict, type(None)}


def problem(function: Callable[..., Any], given: Mapping[str, Any]) -> str:
    """Say why a function does not take these parameters; return "" if it does."""
    names = Parameters.of(function)
    if names is None:
        return "cannot be started: its function takes positional arguments only"
    return names.problem(list(given)) or _wrong_type(function, given)


def _wrong_type(function: Callable[..., Any], given: Mapping[str, Any]) -> str:
    try:
        hints = get_type_hints(function)
    except Exception:  # Names that are imported for type checkers only.
        return ""
    for name, value in given.items():
        if name in hints and not _is_of(value, hints[name]):
            return f"takes {_shown(hints[name])} for {name!r}, not {value!r:.60}"
    return ""


def _is_of(value: object, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return any(_is_of(value, one) for one in get_args(hint))
    if origin is Literal:
        return value in get_args(hint)
    wanted = origin or hint
    if wanted not in SIMPLE:
        return True
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, (int, float) if wanted is float else wanted)


def _shown(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(repr, get_args(hint)))}"
    return "nothing" if hint is type(None) else getattr(hint, "__name__", str(hint))


def described(function: Callable[..., Any]) -> str:
    """Return the parameters as they are written in the function; "" for none."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ""
    return ", ".join(str(one) for one in found)
