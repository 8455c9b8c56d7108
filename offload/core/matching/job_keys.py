"""Keys of jobs: one value per job, such as its tenant, by which a queue tells its jobs apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidKey
from offload.core.validation.job_properties import text_problem

if TYPE_CHECKING:
    from collections.abc import Iterable

# Characters of a key; of a longer property, these first ones are the key.
KEY_MAX = 100
# Characters of the path to a property.
PATH_MAX = 100
# Digits of a whole number that is a key: as many as every database and language keeps.
WHOLE_BELOW = 10**18
PATH = re.compile(r"[^.\s\"\\]+(\.[^.\s\"\\]+)*")
# Weights of keys that take turns.
WEIGHT_MOST = 1_000
WEIGHTS_MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRules:
    """Rules of a queue by the keys of its jobs."""

    # The dotted path of the property that is the key; empty for none.
    path: str = ""
    # How many jobs of one key run at once; None is without limit.
    most: int | None = None
    # Whether keys take turns.
    is_fair: bool = False
    # How many jobs a key gets in its turn, if that is not one; sorted.
    weights: tuple[tuple[str, int], ...] = ()

    @property
    def weight_of(self) -> Mapping[str, int]:
        """Return the weights by key."""
        return MappingProxyType(dict(self.weights))


NO_KEYS = KeyRules()


def check_key(key: object) -> str:
    """Return a key that a caller gives, "" for none; raise InvalidKey unless it is a text."""
    if not isinstance(key, str):
        raise InvalidKey(key=key, problem=f"it is of type {type(key).__name__}, not a text")
    if len(key) > KEY_MAX:
        raise InvalidKey(key=key, problem=f"it has {len(key)} characters")
    if problem := text_problem(key):
        raise InvalidKey(key=key, problem=f"it {problem}")
    return key


def key_of(properties: Mapping[str, Any], path: str) -> str:
    """Return the key that properties have at a dotted path, or "" if there is none.

    A text is the key, by its first characters; a whole number and a truth value are by what JSON
    calls them. Whatever else is there is no key.
    """
    value: object = properties
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return ""
        value = value.get(name)
    return _text_of(value)


def _text_of(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < WHOLE_BELOW else ""
    if isinstance(value, str):
        text = value[:KEY_MAX]
        return "" if text_problem(text) else text
    return ""


def path_problem(path: str) -> str:
    """Say why a text is no dotted path of a property, or return nothing."""
    if PATH.fullmatch(path):
        return ""
    return f"{path!r:.100} is no path of a property; write names joined by dots, such as user.id"


def weights_problem(weights: object) -> str:
    """Say why a value is no object of weights by key, or return nothing."""
    if not isinstance(weights, Mapping):
        return 'weights are an object of whole numbers by key, such as {"acme": 3}'
    if len(weights) > WEIGHTS_MOST:
        return f"there are {len(weights)} weights, and {WEIGHTS_MOST} are allowed"
    for key, weight in weights.items():
        if not isinstance(key, str) or not 0 < len(key) <= KEY_MAX:
            return f"{key!r:.40} is no key: a text of 1 to {KEY_MAX} characters"
        if isinstance(weight, bool) or not isinstance(weight, int) or not 0 < weight <= WEIGHT_MOST:
            return (
                f"the weight of {key!r:.40} is {weight!r:.40}, not a whole number from 1 to "
                f"{WEIGHT_MOST:,}"
            )
    return ""


def sorted_weights(weights: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return weights as a value that can be compared."""
    pairs: Iterable[tuple[str, int]] = weights.items()
    return tuple(sorted(pairs))
