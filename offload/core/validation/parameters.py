"""By which names a consumer takes the properties of its jobs."""

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
#: How a name that may be left out, one that is taken already, and all others are announced.
OPTIONAL_MARK, TAKEN_MARK, ANY_MARK = "=", "!", "**"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Names that must be given, that may be, and that may not, since they are taken already."""

    needed: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()
    # Whether any other name is taken too.
    is_open: bool = False

    @classmethod
    def of(cls, function: Callable[..., Any], *, given: int = 0) -> Parameters | None:
        """Return those of a function whose first so many arguments are not properties.

        Return None where properties alone cannot call it, or where it does not say.
        """
        # What a decorator hands on is what it takes itself: it may add to it.
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
        """Return what was announced as this text."""
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
        """Return them as text, to be announced."""
        return " ".join(
            [
                *sorted(self.needed),
                *sorted(f"{one}{OPTIONAL_MARK}" for one in self.optional),
                *sorted(f"{one}{TAKEN_MARK}" for one in self.taken),
                *([ANY_MARK] if self.is_open else []),
            ]
        )

    def problem(self, names: Collection[str]) -> str:
        """Say why properties of these names cannot be taken, or return nothing."""
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
    """Return which parameters the first arguments are for, and the others."""
    first = [one for one in parameters if one.kind in POSITIONAL_KINDS][:given]
    return first, [one for one in parameters if one not in first]


def _is_needed(parameter: Parameter) -> bool:
    return parameter.default is Parameter.empty


def _quoted(name: str) -> str:
    return f"{name!r:.100}"


def takes_arguments(function: Callable[..., Any], given: int) -> bool:
    """Return whether a function can be called with so many arguments by position."""
    try:
        found = inspect.signature(function, follow_wrapped=False).parameters.values()
    except (TypeError, ValueError):
        return True
    if any(one.kind is Parameter.VAR_POSITIONAL for one in found):
        return True
    return sum(one.kind in POSITIONAL_KINDS for one in found) >= given


def first_name(function: Callable[..., Any]) -> str:
    """Return the name of a function's first parameter; nothing where it has none, or says none."""
    try:
        return next(iter(inspect.signature(function, follow_wrapped=False).parameters), "")
    except (TypeError, ValueError):
        return ""


def kind_of(function: Callable[..., Any]) -> str:
    """Say what a function is that a call of it does not run, or return nothing."""
    if inspect.iscoroutinefunction(function):
        return "an async def"
    if inspect.isasyncgenfunction(function):
        return "an async generator"
    return "a generator" if inspect.isgeneratorfunction(function) else ""
