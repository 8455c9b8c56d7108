"""Assignments of a change of state: named columns that it sets besides, with their values.

Other modules choose one of them and write no SQL of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kombu.utils.json import dumps

from offload.core.states import Hold
from offload.core.validation.bounds import COUNTER_MAX
from offload.db import database

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.placement.lanes import Lane
    from offload.core.retries import RetryDecision

#: Increments the counter, up to the column's maximum.
ONE_MORE_REFUSAL = f"CASE WHEN refusals < {COUNTER_MAX} THEN refusals + 1 ELSE refusals END"


@dataclass(frozen=True, slots=True)
class Assignments:
    """Columns with the SQL of their new values, and its parameters by name."""

    columns: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def sql(self) -> str:
        """Return SQL to append to the assignments of an UPDATE."""
        return "".join(f", {name} = {value}" for name, value in self.columns.items())


NOTHING = Assignments()
#: Nothing holds the job any more.
RELEASED = Assignments({"hold": f"'{Hold.NONE}'"})
#: The last node of a canvas fills the row, with times of its own.
REPLACED = Assignments({"hold": f"'{Hold.REPLACED}'", "run_at": "NULL", "expires_at": "NULL"})
#: The claim began nothing.
NOT_BEGUN = Assignments({"attempts": "attempts - 1"})
#: One refusal more.
REFUSED = Assignments({"refusals": ONE_MORE_REFUSAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCall:
    """The call that the next attempt makes; None keeps what the job has."""

    args: Sequence[Any] | None = None
    properties: Mapping[str, Any] | None = None
    options: Mapping[str, Any] | None = None
    priority: int | None = None
    #: Where it waits, with what it needs of an instance.
    lane: Lane | None = None
    #: The lane in place of which: in any other, lane and options stay as they are.
    instead_of: Lane | None = None
    #: Seconds from now.
    expires_in: float | None = None

    def columns(self) -> dict[str, object]:
        """Return the changed columns and their values, except the expiry."""
        encoded = {"args": self.args, "properties": self.properties, "options": self.options}
        columns: dict[str, object] = {
            name: dumps(value) for name, value in encoded.items() if value is not None
        }
        if self.lane is not None:
            columns |= {"lane": str(self.lane), "needs": self.lane.needs}
        return columns if self.priority is None else {**columns, "priority": self.priority}

    def assigned(self) -> Assignments:
        """Return the changed columns, except the expiry, with their parameters."""
        values = self.columns()
        columns = {name: f"%({name})s" for name in values}
        if self.instead_of is not None:
            values["instead_of"] = str(self.instead_of)
            for name in IN_LANE & columns.keys():
                columns[name] = f"CASE WHEN lane = %(instead_of)s THEN %({name})s ELSE {name} END"
        return Assignments(columns, values)


SAME_CALL = NewCall()
#: Columns that change with the lane alone.
IN_LANE = frozenset({"lane", "needs", "options"})


def next_attempt(decision: RetryDecision, call: NewCall) -> Assignments:
    """Return the counters of a decision, the time of the next attempt, and its call."""
    values = {"failures": decision.failures, "crashes": decision.crashes}
    made = call.assigned()
    columns = {"run_at": database.later("%(delay)s") if decision.delay > 0 else "NULL"}
    if call.expires_in is not None:
        columns["expires_at"] = database.later("%(expires_in)s")
    return Assignments(
        {**RELEASED.columns, **columns, **{name: f"%({name})s" for name in values}, **made.columns},
        {**values, **made.params, "delay": decision.delay, "expires_in": call.expires_in},
    )
