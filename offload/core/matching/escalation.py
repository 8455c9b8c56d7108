"""Escalation: factors of a job's requirements after a failure for want of memory or time.

It is a JSON object of factors: ``{"ram_gb": 2}``, or ``{"ram_gb": {"times": 2, "after":
["out_of_memory"]}}`` where only one kind of failure is meant.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidPlacement
from offload.core.matching.constraints import LABELS, NAME, Constraint, Operator
from offload.core.matching.requirements import TEXT_MAX, Requirements
from offload.core.validation.bounds import Bound

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: The name of the option, and of the key of its value among the frozen options.
OPTION = "retry_with"
FACTOR = Bound(least=1, most=100)
#: Operators of the least that an instance must have.
LEAST = frozenset({Operator.AT_LEAST, Operator.MORE})
#: The class of exceptions, Python's own, that says that there was too little memory.
MEMORY_ERROR = "MemoryError"


class Shortage(enum.StrEnum):
    """A kind of failure that more of something may mend."""

    #: It raised MemoryError, or its process was killed by SIGKILL, as the kernel does then.
    OUT_OF_MEMORY = "out_of_memory"
    TIMED_OUT = "timed_out"

    @property
    def words(self) -> str:
        """Return it as it stands in a sentence about an attempt."""
        return "ran out of memory" if self is Shortage.OUT_OF_MEMORY else "ran out of time"


EVERY = frozenset(Shortage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Increase:
    """The factor of one requirement, and the failures after which it is multiplied."""

    name: str
    factor: float
    after: frozenset[Shortage] = EVERY

    def __str__(self) -> str:
        """Return it as people write it."""
        after = "" if self.after == EVERY else f" after {', '.join(sorted(self.after))}"
        return f"{self.name} x {self.factor:g}{after}"

    @property
    def given(self) -> Any:
        """Return it as a JSON value."""
        if self.after == EVERY:
            return self.factor
        return {"times": self.factor, "after": sorted(self.after)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Increases by the names of properties; true if there are any."""

    listed: tuple[Increase, ...] = ()

    @staticmethod
    def of(given: object) -> Escalation:
        """Return the escalation of a JSON object; raise InvalidPlacement for anything else."""
        if not isinstance(given, Mapping):
            raise InvalidPlacement(option=OPTION, problem=f"{given!r:.100} is no object")
        found = [_increase(name, value) for name, value in given.items()]
        return Escalation(listed=tuple(sorted(found, key=lambda one: one.name)))

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.listed)

    def __str__(self) -> str:
        """Return it as people write it."""
        return ", ".join(map(str, self.listed))

    @property
    def given(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {one.name: one.given for one in self.listed}

    def replaced(self, nearer: Escalation) -> Escalation:
        """Return this with the increases of a nearer one in place of those of the same name."""
        found = {one.name: one for one in (*self.listed, *nearer.listed)}
        return Escalation(listed=tuple(found[name] for name in sorted(found)))

    def after(self, shortage: Shortage) -> tuple[Increase, ...]:
        """Return the increases that follow such a failure."""
        return tuple(one for one in self.listed if shortage in one.after and one.factor > 1)

    def missing(self, asked: Iterable[Requirements]) -> tuple[str, ...]:
        """Return the names of which none of these requirements says the least."""
        known = {name for one in asked for name in _least(one)}
        return tuple(one.name for one in self.listed if one.name not in known)

    def check(self, asked: Sequence[Requirements]) -> None:
        """Raise InvalidPlacement if it names something of which none of these says the least."""
        for name in self.missing(asked):
            compared = [str(c) for one in asked for c in one.constraints if c.name == name]
            problem = (
                f"{compared[0]} is no least number that can be multiplied"
                if compared
                else f"nothing requires a least number of {name}"
            )
            raise InvalidPlacement(option=OPTION, problem=problem)


NO_ESCALATION = Escalation()


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated:
    """One requirement that was raised, or that could not be."""

    #: The number of the attempt that failed.
    attempt: int
    name: str
    before: float
    after: float
    shortage: Shortage

    @property
    def sentence(self) -> str:
        """Return the change with its cause."""
        why = f"attempt {self.attempt} {self.shortage.words}"
        if self.after > self.before:
            return f"{self.name} was raised from {self.before:g} to {self.after:g}: {why}."
        most = "no known instance that could run it has more"
        return f"{self.name} stays at {self.before:g}, although {why}: {most}."

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "attempt": self.attempt,
            "name": self.name,
            "before": self.before,
            "after": self.after,
            "shortage": self.shortage.value,
        }

    @staticmethod
    def read(given: object) -> Escalated | None:
        """Return the value of `as_dict`; None for one that cannot be read."""
        try:
            fields: dict[str, Any] = {**given}  # type: ignore[dict-item]
            return Escalated(**{**fields, "shortage": Shortage(fields["shortage"])})
        except (TypeError, ValueError, KeyError):
            return None


def raised(
    asked: Requirements,
    increases: Iterable[Increase],
    known: Sequence[Mapping[str, Any]],
) -> list[tuple[str, float, float]]:
    """Return name, former and new number of each requirement that an increase is about.

    ``asked`` is all that is required of the instance, ``known`` the properties of the instances
    that could run the job: no number becomes greater than the greatest of them.
    """
    least = _least(asked)
    return [
        (one.name, least[one.name], _next(least[one.name], one, known))
        for one in increases
        if one.name in least
    ]


def at_least(asked: Requirements, name: str, number: float) -> Requirements | None:
    """Return requirements with a least number besides; None if they become too long for a lane."""
    added = Constraint(name=name, operator=Operator.AT_LEAST, value=number)
    made = asked.merged(Requirements(constraints=(added,)))
    return made if len(made.text) <= TEXT_MAX else None


def _next(before: float, increase: Increase, known: Sequence[Mapping[str, Any]]) -> float:
    has = [one[increase.name] for one in known if _is_number(one.get(increase.name))]
    wanted = before * increase.factor
    after = max(before, min(wanted, max(has))) if has else before
    return int(after) if after == int(after) else after


def _least(asked: Requirements) -> dict[str, float]:
    """Return the greatest least number by property."""
    found: dict[str, float] = {}
    for one in asked.constraints:
        if one.operator in LEAST and _is_number(one.value):
            number: Any = one.value
            found[one.name] = max(number, found.get(one.name, number))
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _increase(name: object, value: Any) -> Increase:
    if not isinstance(name, str) or not NAME.fullmatch(name) or name == LABELS:
        raise InvalidPlacement(option=OPTION, problem=f"{name!r:.50} is no name of a property")
    after: Any = sorted(EVERY)
    if isinstance(value, Mapping):
        if not value.keys() <= {"times", "after"} or "times" not in value:
            problem = f'{name} takes a factor, or {{"times": 2, "after": ["out_of_memory"]}}'
            raise InvalidPlacement(option=OPTION, problem=problem)
        value, after = value["times"], value.get("after", after)
    if value not in FACTOR:
        raise InvalidPlacement(option=OPTION, problem=f"{value!r:.50} is not {FACTOR}")
    return Increase(name=name, factor=value, after=_kinds(name, after))


def _kinds(name: str, after: Any) -> frozenset[Shortage]:
    listed = [after] if isinstance(after, str) else after
    if isinstance(listed, list | tuple) and listed and all(one in [*EVERY] for one in listed):
        return frozenset(map(Shortage, listed))
    problem = f"{name} is raised after {', '.join(sorted(EVERY))}, not {after!r:.50}"
    raise InvalidPlacement(option=OPTION, problem=problem)
