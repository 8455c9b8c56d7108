"""Amounts of resources that a job uses: ``{"maya": 1}``.

A resource is a named, countable thing that is not an instance, such as a licence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from offload.core.exceptions import InvalidResource
from offload.core.matching.requirements import PLAIN, TEXT_MAX
from offload.core.validation.bounds import AMOUNT

#: The word for resources in the text of a lane.
WORD = "resources="
#: The name of a resource, and its longest, in characters.
NAME, NAME_MAX = re.compile(r"[A-Za-z0-9_-]+"), 100
#: Stands for a word that newer code, or a person, has written: no such resource can be defined.
UNREADABLE_NAME = "(unreadable)"


@dataclass(frozen=True, slots=True)
class Amounts:
    """Amounts of resources that a job uses, by name; true if it uses any."""

    pairs: tuple[tuple[str, int], ...] = ()

    @staticmethod
    def of(given: object, *, beside: int = 0) -> Amounts:
        """Return the amounts in a JSON object.

        ``beside`` is the number of characters that other words of the same lane take. Raise
        InvalidResource for what is no name, or for an amount that is no whole number from 1.
        """
        if not isinstance(given, Mapping):
            raise InvalidResource(name="resources", problem=f"{given!r:.100} is no object")
        found = ((check_name(name), _amount(name, value)) for name, value in given.items())
        made = Amounts(tuple(sorted(found)))
        size = len(made.text) + beside
        if made and size > TEXT_MAX:
            problem = f"with what else is asked of its place, they take {size} characters"
            raise InvalidResource(name="resources", problem=f"{problem}, more than {TEXT_MAX}")
        return made

    @staticmethod
    def parse(word: str) -> Amounts | None:
        """Return the amounts in a word of a lane; None if it has none."""
        if not word.startswith(WORD):
            return None
        try:
            return Amounts.of(json.loads(unquote(word.removeprefix(WORD))))
        except (ValueError, RecursionError):
            return UNREADABLE

    def __len__(self) -> int:
        """Return of how many resources some is used."""
        return len(self.pairs)

    def __str__(self) -> str:
        """Return them as people write them."""
        return ", ".join(f"{name}={amount}" for name, amount in self.pairs)

    @property
    def text(self) -> str:
        """Return them as a word of a lane, without spaces."""
        return f"{WORD}{quote(json.dumps(self.given, separators=(',', ':')), safe=PLAIN)}"

    @property
    def given(self) -> dict[str, Any]:
        """Return them as a JSON object."""
        return dict(self.pairs)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names, sorted: binders lock the resources in this order."""
        return tuple(name for name, _ in self.pairs)

    def merged(self, other: Amounts) -> Amounts:
        """Return both: of a resource that both use, the greater amount."""
        return _merged(self, other) if self and other else self or other


def check_name(name: object) -> str:
    """Return the name of a resource; raise InvalidResource for what is none."""
    if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > NAME_MAX:
        problem = f"a name is at most {NAME_MAX} letters, digits, '_' and '-'"
        raise InvalidResource(name=name, problem=problem)
    return name


def _amount(name: object, value: object) -> int:
    if not isinstance(value, int) or value not in AMOUNT:
        raise InvalidResource(name=name, problem=f"{value!r:.60} is not {AMOUNT}")
    return value


NO_RESOURCES = Amounts()
UNREADABLE = Amounts(((UNREADABLE_NAME, 1),))


# Few different ones are in use at once, and they are merged at each decision.
@lru_cache(maxsize=1024)
def _merged(one: Amounts, other: Amounts) -> Amounts:
    mine, theirs = dict(one.pairs), dict(other.pairs)
    names = sorted({*mine, *theirs})
    return Amounts(tuple((name, max(mine.get(name, 0), theirs.get(name, 0))) for name in names))
