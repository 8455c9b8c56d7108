"""New jobs: everything frozen in the caller, then put into the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kombu.utils.json import dumps

from offload.core.placement.lanes import Lane
from offload.db import database
from offload.db.statements import Statement
from offload.models import Job

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

COLUMNS = (
    "id", "kind", "topic", "task", "lane", "queue", "needs", "args", "properties", "options",
    "tail", "has_tail", "hold", "priority", "run_at", "expires_at", "parent_id", "root_id",
    "run_id", "payload_id", "retry_of_id",
)  # fmt: skip
#: Rows per statement: bounded, so that one statement stays well under a second.
ROWS_PER_STATEMENT = 500
#: Columns that are each job's own, whatever the others have.
PER_JOB_COLUMNS = frozenset({"id", "properties"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A job that is not stored yet."""

    id: str
    topic: str
    kind: str = "job"
    task: str = ""
    queue: str = "default"
    #: Space-separated: ``limit`` where the pool must be able to limit its time.
    needs: str = ""
    args: Sequence[Any] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    tail: Mapping[str, Any] | None = None
    has_tail: bool = False
    hold: str = ""
    priority: int = 0
    #: Seconds from now, by the database's clock.
    delay: float | None = None
    expires_in: float | None = None
    parent_id: str = ""
    root_id: str = ""
    run_id: str | None = None
    payload_id: str | None = None
    retry_of: str | None = None
    #: That of the job that had this id before and was taken out of history: it goes on (E3).
    epoch: int = 0

    @property
    def lane(self) -> Lane:
        """Return the lane it waits in."""
        return Lane(queue=self.queue, needs=self.needs, topic=self.topic)

    def facts(self) -> dict[str, Any]:
        """Return what is stored, by the names of COLUMNS."""
        return dict(zip(COLUMNS, self.row(), strict=True))

    def row(self) -> tuple[Any, ...]:
        """Return the values of COLUMNS."""
        return (
            self.id, self.kind, self.topic, self.task, str(self.lane), self.queue, self.needs,
            dumps(list(self.args)) if self.args else "[]",
            dumps(self.properties) if self.properties else "{}",
            dumps(self.options) if self.options else "{}",
            None if self.tail is None else dumps(self.tail),
            self.has_tail, self.hold, self.priority, self.delay, self.expires_in,
            self.parent_id, self.root_id, self.run_id, self.payload_id, self.retry_of,
        )  # fmt: skip


def insert(drafts: Sequence[Draft]) -> list[str]:
    """Store new jobs as PENDING and return their ids; known ones are left alone."""
    new = [row[0] for batch in _batches(drafts) for row in inserting(batch).rows()]
    for draft in drafts:
        if draft.epoch and draft.id in new:
            database.execute(
                f"UPDATE {Job._meta.db_table} SET epoch = %s WHERE id = %s", [draft.epoch, draft.id]
            )
    return new


def inserting(batch: Sequence[Draft]) -> Statement:
    """Return the statement that stores new jobs and returns the ids of those that were.

    What all of them have in common is said once: most of a row is, and to read it a thousand
    times costs more than to store it. Its parameters have no names: a thousand rows would need
    tens of thousands of them, and no other part gives any.
    """
    columns = dict(zip(COLUMNS, zip(*(draft.row() for draft in batch), strict=True), strict=True))
    own = {
        name: values
        for name, values in columns.items()
        if name in PER_JOB_COLUMNS or _differ(values)
    }
    common = tuple(values[0] for name, values in columns.items() if name not in own)
    given = ", ".join([f"({database.marks(own)})"] * len(batch))
    selected = ", ".join(_value(name, f"given.{name}" if name in own else "%s") for name in COLUMNS)
    return Statement(
        f"INSERT INTO {Job._meta.db_table} ({', '.join(COLUMNS)}) "
        f"WITH given ({', '.join(own)}) AS (VALUES {given}) "
        f"SELECT {selected} FROM given WHERE true ON CONFLICT (id) DO NOTHING RETURNING id",
        (*(value for row in zip(*own.values(), strict=True) for value in row), *common),
        prepared=len(batch) == 1,
    )


def _differ(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values)


def placeholders() -> str:
    """Return what stands for a draft's facts in SQL."""
    return ", ".join(_value(name, f"%({name})s") for name in COLUMNS)


def _value(name: str, given: str) -> str:
    """Return the SQL of a column's value, made of what was given: times are seconds from now."""
    timed = name in {"run_at", "expires_at"}
    return database.later(f"CAST({given} AS double precision)") if timed else given


def _batches(drafts: Sequence[Draft]) -> Iterator[Sequence[Draft]]:
    for start in range(0, len(drafts), ROWS_PER_STATEMENT):
        yield drafts[start : start + ROWS_PER_STATEMENT]
