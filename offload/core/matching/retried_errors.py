"""Errors that are retried, and errors that are not, by the names of their classes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.exceptions import InvalidErrorName
from offload.core.texts import place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
NAME_CHARACTERS_MAX = 200
# Names in one list at most.
NAMES_MAX = 50


def name_of(error: object) -> str:
    """Return the dotted name of a class of exceptions, given as a class or as that name.

    A class of Python's own, such as `ConnectionError`, needs no module. Raise InvalidErrorName.
    """
    if isinstance(error, type) and issubclass(error, BaseException):
        return _short(place_of(error))
    if isinstance(error, str) and len(error) <= NAME_CHARACTERS_MAX and NAME.fullmatch(error):
        return _short(error)
    raise InvalidErrorName(name=error)


def _short(name: str) -> str:
    return name.removeprefix("builtins.")


def names_of(errors: object) -> tuple[str, ...]:
    """Return the names of a list of classes or names; raise InvalidErrorName."""
    if not isinstance(errors, list | tuple) or len(errors) > NAMES_MAX:
        raise InvalidErrorName(name=errors)
    return tuple(dict.fromkeys(map(name_of, errors)))


def lineage(kind: type[BaseException]) -> tuple[str, ...]:
    """Return the names of a class and of all that it inherits from, the nearest first."""
    return tuple(_short(place_of(one)) for one in kind.__mro__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetriedErrors:
    """Which errors are retried. Of two entries that match, the nearer class counts."""

    # Only these; empty for all.
    only: tuple[str, ...] = ()
    # These never.
    never: tuple[str, ...] = ()

    def allow(self, names: Sequence[str]) -> bool:
        """Tell whether an error of a class with this lineage is retried."""
        for name in names:
            if name in self.never:
                return False
            if name in self.only:
                return True
        return not self.only

    def replaced(self, only: Iterable[str], never: Iterable[str]) -> RetriedErrors:
        """Return these lists with those that are given in place of the former ones."""
        return RetriedErrors(only=tuple(only) or self.only, never=tuple(never) or self.never)


ALL_ERRORS = RetriedErrors()
