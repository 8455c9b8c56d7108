"""Requirements: what a job asks of the properties and labels of an instance.

They are a JSON object: ``{"gpu": True, "ram_gb": {">=": 64}, "labels": ["licensed"]}``. An instance
must meet all of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from offload.core.exceptions import InvalidRequirement
from offload.core.matching.constraints import LABELS, Constraint, Operator, constraints
from offload.core.nearness import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

#: The word for requirements in the text of a lane, and the characters that stand there as they are.
WORD = "requires="
PLAIN = "!\"#$&'()*+,-./:;<=>?@[\\]^_`{}~"
#: Characters of the text in a lane, which has names of queue, topic and instance too.
TEXT_MAX = 240
#: Of two on the same property, which one is stricter.
_STRICTER: dict[Operator, Callable[..., Any]] = {
    Operator.AT_LEAST: max,
    Operator.MORE: max,
    Operator.AT_MOST: min,
    Operator.LESS: min,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """Constraints that an instance must meet, all of them; true if there are any."""

    constraints: tuple[Constraint, ...] = ()

    @staticmethod
    def of(given: object) -> Requirements:
        """Return the requirements of a JSON object.

        Raise InvalidRequirement for an unknown comparison, or for a value that cannot be compared
        so.
        """
        if not isinstance(given, Mapping):
            raise InvalidRequirement(name="requires", problem=f"{given!r:.100} is no object")
        found = [one for name, value in given.items() for one in constraints(name, value)]
        made = Requirements(constraints=tuple(sorted(set(found), key=lambda one: one.order)))
        if len(made.text) > TEXT_MAX:
            problem = f"they take {len(made.text)} characters, more than {TEXT_MAX}"
            raise InvalidRequirement(name="requires", problem=problem)
        return made

    @staticmethod
    def parse(word: str) -> Requirements | None:
        """Return the requirements in a word of a lane; None if it has none."""
        if not word.startswith(WORD):
            return None
        try:
            return Requirements.of(json.loads(unquote(word.removeprefix(WORD))))
        except (ValueError, RecursionError):
            return UNREADABLE

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.constraints)

    def __str__(self) -> str:
        """Return them as people write them."""
        return ", ".join(map(str, self.constraints))

    @property
    def text(self) -> str:
        """Return them as a word of a lane, without spaces."""
        given = json.dumps(self.given, separators=(",", ":"), sort_keys=True)
        return f"{WORD}{quote(given, safe=PLAIN)}"

    @property
    def given(self) -> dict[str, Any]:
        """Return them as a JSON object."""
        found: dict[str, Any] = {}
        for one in self.constraints:
            if one.operator is Operator.HAS:
                found.setdefault(LABELS, []).append(one.value)
            else:
                value = list(one.value) if isinstance(one.value, tuple) else one.value
                found.setdefault(one.name, {})[one.operator.value] = value
        return {name: _shortest(value) for name, value in found.items()}

    @property
    def names(self) -> frozenset[str]:
        """Return the names of the properties that they are about."""
        return frozenset(one.name for one in self.constraints if one.name != LABELS)

    def merged(self, other: Requirements) -> Requirements:
        """Return both; of two numbers that one property must reach, the stricter."""
        return _merged(self, other) if self and other else self or other

    def problems(self, properties: Mapping[str, Any], labels: Collection[str]) -> tuple[str, ...]:
        """Return why an instance with these does not meet them, a text for each that it fails."""
        found = (one.problem(properties, labels) for one in self.constraints)
        return tuple(problem for problem in found if problem)

    def unknown(self, known: Iterable[Mapping[str, Any]]) -> str:
        """Return a hint at the first property that none of these instances has; else empty."""
        has = {name for properties in known for name in properties}
        for name in sorted(self.names - has):
            return f"No known instance has a property {name}.{did_you_mean(name, sorted(has))}"
        return ""


def _shortest(value: dict[str, Any] | list[Any]) -> Any:
    """Return a comparison with one value as that value."""
    return value["=="] if isinstance(value, dict) and set(value) == {"=="} else value


NOTHING = Requirements()
#: For a text that newer code, or a person, has written: what cannot be read is not met.
UNREADABLE = Requirements(
    constraints=(Constraint(name=LABELS, operator=Operator.HAS, value="(unreadable)"),)
)


# Few different ones are in use at once, and they are merged at each decision.
@lru_cache(maxsize=1024)
def _merged(one: Requirements, other: Requirements) -> Requirements:
    found: dict[object, Constraint] = {}
    for each in (*one.constraints, *other.constraints):
        key = (each.name, each.operator) if each.operator in _STRICTER else each
        same = found.get(key)
        choose = _STRICTER.get(each.operator)
        if same is not None and choose is not None:
            found[key] = choose(same, each, key=lambda constraint: constraint.value)
        else:
            found[key] = each
    return Requirements(constraints=tuple(sorted(found.values(), key=lambda each: each.order)))
