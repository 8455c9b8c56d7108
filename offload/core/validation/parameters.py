"""The names of the properties that a consumer accepts."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from offload.core.exceptions.invalid import ITSELF

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

NAMED_KINDS = frozenset({Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY})
POSITIONAL_KINDS = frozenset({Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD})
#: Marks, in an announcement, of optional names, of taken names, and of any other name.
OPTIONAL_MARK, TAKEN_MARK, ANY_MARK = "=", "!", "**"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Names of properties: the required, the optional, and those taken by other arguments."""

    needed: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()
    # Whether any other name is accepted too.
    is_open: bool = False

    @classmethod
    def of(cls, function: Callable[..., Any], *, given: int = 0) -> Parameters | None:
        """Return the names of a function's properties, without its first few arguments.

        Return None if keyword arguments alone cannot call it, or if it has no signature.
        """
        # A decorator may add arguments, so only its own signature counts.
        try:
            found = list(inspect.signature(function, follow_wrapped=False).parameters.values())
        except (TypeError, ValueError):
            return None
        first, rest = _split(found, given)
        if any(_is_needed(one) and one.kind is Parameter.POSITIONAL_ONLY for one in rest):
            return None
        named = [one for one in rest if one.kind in NAMED_KINDS]
        return cls(
            needed=frozenset(one.name for one in named if _is_needed(one)),
            optional=frozenset(one.name for one in named if not _is_needed(one)),
            taken=frozenset(one.name for one in first if one.kind in NAMED_KINDS),
            is_open=any(one.kind is Parameter.VAR_KEYWORD for one in rest),
        )

    @classmethod
    def read(cls, text: str) -> Parameters:
        """Return the parameters that were announced as this text."""
        names = text.split()
        bare = {
            one for one in names if one != ANY_MARK and one[-1] not in OPTIONAL_MARK + TAKEN_MARK
        }
        return cls(
            needed=frozenset(bare),
            optional=frozenset(one[:-1] for one in names if one.endswith(OPTIONAL_MARK)),
            taken=frozenset(one[:-1] for one in names if one.endswith(TAKEN_MARK)),
            is_open=ANY_MARK in names,
        )

    def __str__(self) -> str:
        """Return them as the text of an announcement."""
        return " ".join(
            [
                *sorted(self.needed),
                *sorted(f"{one}{OPTIONAL_MARK}" for one in self.optional),
                *sorted(f"{one}{TAKEN_MARK}" for one in self.taken),
                *([ANY_MARK] if self.is_open else []),
            ]
        )

    def problem(self, names: Collection[str]) -> str:
        """Say why properties of these names are not accepted; return "" if they are."""
        for name in names:
            if name in self.taken:
                return f"cannot take {_quoted(name)}: {ITSELF}"
            if not self.is_open and name not in self.needed and name not in self.optional:
                return f"does not take {_quoted(name)}{self._hint(name, names)}"
        missing = sorted(self.needed.difference(names))
        return f"needs {' and '.join(map(_quoted, missing))}" if missing else ""

    def _hint(self, name: str, given: Iterable[str]) -> str:
        others = sorted((self.needed | self.optional).difference(given))
        near = get_close_matches(name[:100], others, n=1)
        if near:
            return f"; did you mean {near[0]!r}?"
        return f"; it takes {', '.join(others)}" if others else ""


def _split(parameters: list[Parameter], given: int) -> tuple[list[Parameter], list[Parameter]]:
    """Return the parameters that the first arguments fill, and the others."""
    first = [one for one in parameters if one.kind in POSITIONAL_KINDS][:given]
    return first, [one for one in parameters if one not in first]


def _is_needed(parameter: Parameter) -> bool:
    return parameter.default is Parameter.empty


def _quoted(name: str) -> str:
    return f"{name!r:.100}"


def takes_arguments(function: Callable[..., Any], given: int) -> bool:
    """Return whether a function accepts that many positional arguments."""
    try:
        found = inspect.signature(function, follow_wrapped=False).parameters.values()
    except (TypeError, ValueError):
        return True
    if any(one.kind is Parameter.VAR_POSITIONAL for one in found):
        return True
    return sum(one.kind in POSITIONAL_KINDS for one in found) >= given


def first_name(function: Callable[..., Any]) -> str:
    """Return the name of a function's first parameter; "" without one, or without a signature."""
    try:
        return next(iter(inspect.signature(function, follow_wrapped=False).parameters), "")
    except (TypeError, ValueError):
        return ""


def kind_of(function: Callable[..., Any]) -> str:
    """Say what kind of function does not run when it is called; return "" for any other."""
    if inspect.iscoroutinefunction(function):
        return "an async def"
    if inspect.isasyncgenfunction(function):
        return "an async generator"
    return "a generator" if inspect.isgeneratorfunction(function) else ""
