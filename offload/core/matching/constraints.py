"""Constraints: one property of an instance compared with one value, or one label of it."""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass, field
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any, TypeAlias

from offload.core.exceptions import InvalidRequirement
from offload.core.validation.ids import is_storable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    #: A value that a property may have.
    Value: TypeAlias = bool | int | float | str

#: The name of the constraint on labels, which no property can have.
LABELS = "labels"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
ALTERNATIVES_MAX = 16


class Operator(enum.StrEnum):
    """How a property is compared with the value that is asked for."""

    EQUAL = "=="
    NOT_EQUAL = "!="
    AT_LEAST = ">="
    AT_MOST = "<="
    MORE = ">"
    LESS = "<"
    ONE_OF = "in"
    #: Of labels: the instance has it.
    HAS = "has"


NUMERIC: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.AT_LEAST: ge,
    Operator.AT_MOST: le,
    Operator.MORE: gt,
    Operator.LESS: lt,
}
_GIVEN = tuple(one.value for one in Operator if one is not Operator.HAS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """One requirement on one property, or on the labels."""

    name: str
    operator: Operator
    #: A tuple of values for ONE_OF.
    value: Value | tuple[Value, ...] = field(compare=False)
    #: The value as JSON, by which constraints are compared: to Python, 1 is equal to True.
    _text: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_text", json.dumps(self.value))

    def __str__(self) -> str:
        """Return it as people write it."""
        if self.operator is Operator.HAS:
            return f"label {self.value}"
        return f"{self.name} {self.operator} {self._text}"

    def problem(self, properties: Mapping[str, Any], labels: Collection[str]) -> str:
        """Return why an instance with these does not meet it; empty if it does."""
        if self.operator is Operator.HAS:
            return "" if self.value in labels else f"it has no label {self.value}"
        if self.name not in properties:
            return f"it has no property {self.name}, which must be {self._wanted}"
        found = properties[self.name]
        if self._is_met_by(found):
            return ""
        return f"{self.name} is {json.dumps(found, default=str)}, and must be {self._wanted}"

    @property
    def _wanted(self) -> str:
        text = str(self).removeprefix(f"{self.name} ")
        return text.removeprefix("== ")

    def _is_met_by(self, found: object) -> bool:
        if self.operator in NUMERIC:
            return _kind(found) == "number" and NUMERIC[self.operator](found, self.value)
        wanted = self.value if isinstance(self.value, tuple) else (self.value,)
        is_one = any(_kind(found) == _kind(one) and found == one for one in wanted)
        return is_one != (self.operator is Operator.NOT_EQUAL)

    @property
    def order(self) -> tuple[str, str, str]:
        """Return its place among others."""
        return self.name, self.operator, self._text


def constraints(name: object, value: object) -> list[Constraint]:
    """Return the constraints that a name and its value in a JSON object stand for.

    Raise InvalidRequirement for an unknown comparison, or for a value that cannot be compared so.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidRequirement(name=name, problem="that is no name of a property")
    if name == LABELS:
        return [Constraint(name=LABELS, operator=Operator.HAS, value=one) for one in _labels(value)]
    if not isinstance(value, dict):
        return [Constraint(name=name, operator=Operator.EQUAL, value=_value(name, value))]
    if not value:
        raise InvalidRequirement(name=name, problem="it compares with nothing")
    return [_compared(name, how, asked) for how, asked in value.items()]


def _labels(value: object) -> list[str]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(
        isinstance(one, str) and one and is_storable(one) for one in listed
    ):
        raise InvalidRequirement(name=LABELS, problem='write a list, such as ["licensed"]')
    return list(listed)


def _compared(name: str, how: object, asked: object) -> Constraint:
    if how not in _GIVEN:
        problem = f"{how!r:.50} is no comparison; there are {', '.join(_GIVEN)}"
        raise InvalidRequirement(name=name, problem=problem)
    operator = Operator(how)
    if operator is Operator.ONE_OF:
        return Constraint(name=name, operator=operator, value=_alternatives(name, asked))
    value = _value(name, asked)
    if operator in NUMERIC and _kind(value) != "number":
        raise InvalidRequirement(name=name, problem=f"{how} compares numbers, not {value!r}")
    return Constraint(name=name, operator=operator, value=value)


def _alternatives(name: str, asked: object) -> tuple[Value, ...]:
    if not isinstance(asked, list | tuple) or not 0 < len(asked) <= ALTERNATIVES_MAX:
        problem = f"'in' takes a list of 1 to {ALTERNATIVES_MAX} values"
        raise InvalidRequirement(name=name, problem=problem)
    return tuple(_value(name, one) for one in asked)


def _value(name: str, value: object) -> Value:
    is_finite = not isinstance(value, float) or value - value == 0
    is_text = not isinstance(value, str) or is_storable(value)
    if not isinstance(value, bool | int | float | str) or not is_finite or not is_text:
        problem = f"{value!r:.50} is not true, false, a finite number or a text"
        raise InvalidRequirement(name=name, problem=problem)
    return value


def _kind(value: object) -> str:
    """Return the kind within which values are compared: True is no number."""
    if isinstance(value, bool):
        return "truth"
    return "number" if isinstance(value, int | float) else type(value).__name__
