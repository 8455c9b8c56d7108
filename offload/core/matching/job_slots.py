"""Slots: how many of an instance's places a job takes: a number, all of them, or by what it uses.

A place is one of the jobs that the instance runs at once. ``{"ram_gb": 8}`` takes as many places as
that part of its memory comes to, so whatever is used up is counted in one unit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from offload.core.exceptions import InvalidPlacement
from offload.core.matching.constraints import NAME
from offload.core.matching.requirements import PLAIN
from offload.core.validation.bounds import Bound

if TYPE_CHECKING:
    from offload.core.placement.topology import InstanceInfo

#: The word for slots in the text of a lane, and the value that stands for all places.
WORD = "slots="
ALL = "all"
#: The name of the option.
OPTION = "slots"
PLACES = Bound(least=1, most=1_000, is_whole=True)
#: Different properties that one job may use.
USES_MAX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """The places that a job takes of its instance; None stands for one."""

    #: Places; 0 for all of them.
    places: int = 1
    #: Names of properties, each with how much of it the job uses up; sorted.
    uses: tuple[tuple[str, float], ...] = ()

    @staticmethod
    def of(given: object) -> Slots | None:
        """Return the slots that a caller gives; None for one place, which every job takes.

        Raise InvalidPlacement for what is no number of places, no "all" and no object of numbers.
        """
        if given is None or (given == 1 and not isinstance(given, bool)):
            return None
        if given == ALL:
            return Slots(places=0)
        if isinstance(given, Mapping):
            return Slots(uses=_uses(given))
        if not isinstance(given, int) or given not in PLACES:
            problem = f'{given!r:.50} is not {PLACES}, "all", or an object such as {{"ram_gb": 8}}'
            raise InvalidPlacement(option=OPTION, problem=problem)
        return Slots(places=given)

    @staticmethod
    def parse(word: str) -> Slots | None:
        """Return the slots in a word of a lane; None if it has none that can be read."""
        if not word.startswith(WORD):
            return None
        try:
            return Slots.of(json.loads(unquote(word.removeprefix(WORD))))
        except (ValueError, RecursionError):
            return None

    @property
    def given(self) -> Any:
        """Return them as a caller gives them."""
        return dict(self.uses) if self.uses else self.places or ALL

    @property
    def text(self) -> str:
        """Return them as a word of a lane, without spaces."""
        return f"{WORD}{quote(json.dumps(self.given, separators=(',', ':')), safe=PLAIN)}"

    def __str__(self) -> str:
        """Return them as people write them."""
        if self.uses:
            return ", ".join(f"{number:g} of {name}" for name, number in self.uses)
        return f"{self.places} places" if self.places else "all places"

    def places_at(self, instance: InstanceInfo) -> int | None:
        """Return how many places of an instance a job takes; None if it does not fit there."""
        most = instance.concurrency
        if not self.places:
            return most
        wanted = [self.places, *(_share(instance, *one) for one in self.uses)]
        places = max(wanted)
        return math.ceil(places) if places <= most else None

    def problem(self, instance: InstanceInfo) -> str:
        """Return why a job does not fit an instance at all; empty if it does."""
        if self.places_at(instance) is not None:
            return ""
        if self.uses:
            has = {name: instance.properties.get(name) for name, _ in self.uses}
            had = ", ".join(
                f"{name} {json.dumps(value, default=str)}" for name, value in has.items()
            )
            return f"the job uses {self}, and it has {had}"
        return f"the job takes {self}, and it has {instance.concurrency}"


def _share(instance: InstanceInfo, name: str, number: float) -> float:
    """Return the places that stand for so much of a property; endless if it has not that much."""
    has = instance.properties.get(name)
    if isinstance(has, bool) or not isinstance(has, int | float) or has < number:
        return math.inf
    # The rounding takes back what a division of floats adds.
    return round(number / has * instance.concurrency, 9)


def _uses(given: Mapping[Any, Any]) -> tuple[tuple[str, float], ...]:
    if not 0 < len(given) <= USES_MAX:
        raise InvalidPlacement(option=OPTION, problem=f"name 1 to {USES_MAX} properties")
    for name, number in given.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise InvalidPlacement(option=OPTION, problem=f"{name!r:.50} is no name of a property")
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if not is_number or not 0 < number < math.inf:
            problem = f"{number!r:.50} of {name} is no number above 0"
            raise InvalidPlacement(option=OPTION, problem=problem)
    return tuple(sorted(given.items()))
