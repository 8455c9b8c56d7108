"""Preferences: requirements that a job can do without, each with a weight.

They are a list of pairs: ``[[{"gpu": True}, 5], [{"labels": ["shared"]}, -2]]``. An instance's
score is the sum of the weights of those whose requirements it meets.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from offload.core.exceptions import InvalidPreference, InvalidRequirement
from offload.core.matching.requirements import PLAIN, TEXT_MAX, Requirements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

#: The word for preferences in the text of a lane.
WORD = "prefers="
WEIGHT_MAX = 1_000_000
PAIR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """Requirements that need not be met, and what meeting them is worth."""

    wanted: Requirements
    #: Negative if instances that meet them are rather to be avoided.
    weight: float

    def __str__(self) -> str:
        """Return it as people write it."""
        return f"{self.wanted} ({self.weight:+g})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """Preferences of a job, of its queue, or of both; true if there are any."""

    listed: tuple[Preference, ...] = ()

    @staticmethod
    def of(given: object, *, beside: Requirements | None = None) -> Preferences:
        """Return the preferences of a list of pairs.

        ``beside`` are requirements that go with them in the text of a lane. Raise InvalidPreference
        for what is no such list, for a weight that is no number, and for requirements that are
        empty or cannot be compared.
        """
        if not isinstance(given, list | tuple):
            raise InvalidPreference(given=given, problem="it is no list of pairs")
        made = _added(_pair(one) for one in given)
        size = len(made.text) + (len(beside.text) if beside else 0)
        if made and size > TEXT_MAX:
            problem = f"with what is required, they take {size} characters, more than {TEXT_MAX}"
            raise InvalidPreference(given=given, problem=problem)
        return made

    @staticmethod
    def parse(word: str) -> Preferences | None:
        """Return the preferences in a word of a lane; None if it has none that can be read."""
        if not word.startswith(WORD):
            return None
        try:
            return Preferences.of(json.loads(unquote(word.removeprefix(WORD))))
        except (ValueError, RecursionError):
            # Newer code may have written it: the job still runs.
            return None

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.listed)

    def __str__(self) -> str:
        """Return them as people write them."""
        return "; ".join(map(str, self.listed))

    @property
    def text(self) -> str:
        """Return them as a word of a lane, without spaces."""
        given = json.dumps(self.given, separators=(",", ":"), sort_keys=True)
        return f"{WORD}{quote(given, safe=PLAIN)}"

    @property
    def given(self) -> list[list[Any]]:
        """Return them as JSON values."""
        return [[one.wanted.given, one.weight] for one in self.listed]

    def merged(self, other: Preferences) -> Preferences:
        """Return both; the weights of equal ones add up."""
        return _merged(self, other) if self and other else self or other

    def met(self, properties: Mapping[str, Any], labels: Collection[str]) -> tuple[Preference, ...]:
        """Return those that an instance with these meets."""
        return tuple(one for one in self.listed if not one.wanted.problems(properties, labels))

    def score(self, properties: Mapping[str, Any], labels: Collection[str]) -> float:
        """Return the sum of the weights of those that an instance with these meets."""
        return math.fsum(one.weight for one in self.met(properties, labels))

    def unknown(self, known: Iterable[Mapping[str, Any]]) -> str:
        """Return a hint at the first property that none of these instances has; else empty."""
        everyone = list(known)
        return next(filter(None, (one.wanted.unknown(everyone) for one in self.listed)), "")


INDIFFERENT = Preferences()


def _pair(given: object) -> Preference:
    if not isinstance(given, list | tuple) or len(given) != PAIR:
        raise InvalidPreference(given=given, problem="it is no pair of a requirement and a weight")
    asked, weight = given
    try:
        wanted = Requirements.of(asked)
    except InvalidRequirement as error:
        raise InvalidPreference(given=given, problem=error.problem) from error
    if not wanted:
        raise InvalidPreference(given=given, problem="it asks for nothing")
    is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not is_number or not abs(weight) <= WEIGHT_MAX:
        problem = f"{weight!r:.50} is no number from -{WEIGHT_MAX} to {WEIGHT_MAX}"
        raise InvalidPreference(given=given, problem=problem)
    return Preference(wanted=wanted, weight=weight)


def _added(found: Iterable[Preference]) -> Preferences:
    """Return the preferences in one order and spelling, with the weights of equal ones added."""
    weights: dict[Requirements, float] = {}
    for one in found:
        weights[one.wanted] = weights.get(one.wanted, 0) + one.weight
    listed = [Preference(wanted=one, weight=_shortest(weights[one])) for one in weights]
    ordered = sorted(listed, key=lambda one: one.wanted.text)
    return Preferences(listed=tuple(one for one in ordered if one.weight))


def _shortest(weight: float) -> float:
    """Return a whole number as one, so that equal preferences have the same text."""
    return int(weight) if weight == int(weight) else weight


# Few different ones are in use at once, and they are merged at each decision.
@lru_cache(maxsize=1024)
def _merged(one: Preferences, other: Preferences) -> Preferences:
    return _added((*one.listed, *other.listed))
