"""Drafts: new jobs, frozen in the caller and then stored."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from kombu.utils.json import dumps

from offload.core.matching.amounts import NO_RESOURCES, Amounts
from offload.core.matching.preferences import INDIFFERENT, Preferences
from offload.core.matching.requirements import NOTHING, Requirements
from offload.core.placement.lanes import Lane
from offload.db import database
from offload.db.statements import once_per_dialect
from offload.models import Job

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from offload.core.matching.job_slots import Slots
    from offload.core.placement.affinity import Affinity

JOB = Job._meta.db_table
COLUMNS = (
    "id", "kind", "topic", "task", "lane", "queue", "key", "needs", "args", "properties", "options",
    "tail", "has_tail", "hold", "priority", "run_at", "expires_at", "parent_id", "root_id",
    "run_id", "payload_id", "retry_of_id",
)  # fmt: skip
#: The columns of plain jobs; the others have their defaults in the table.
PLAIN_COLUMNS = (
    "id", "topic", "task", "lane", "queue", "key", "needs", "args", "properties", "options",
    "priority", "expires_at", "parent_id", "root_id",
)  # fmt: skip
#: Rows per statement, so that one statement stays well under a second.
ROWS_PER_STATEMENT = 500
#: Columns whose values are different for each job.
PER_JOB_COLUMNS = frozenset({"id", "properties"})
#: The word for files among a job's needs.
FILES_NEED = "files"
#: Ends an insert: one that was stored before is left as it is, and not returned.
NEW_ID = "ON CONFLICT (id) DO NOTHING RETURNING id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A job that is not stored yet."""

    id: str
    topic: str
    kind: str = "job"
    task: str = ""
    queue: str = "default"
    #: Space-separated; has ``limit`` if the pool must be able to limit its time.
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
    #: The key by which its queue tells it apart; empty for none, None if the queue is to say.
    key: str | None = None
    #: Its requirements of an instance.
    requires: Requirements = NOTHING
    #: Its preferences among instances.
    prefers: Preferences = INDIFFERENT
    #: The amounts of resources that it uses.
    resources: Amounts = NO_RESOURCES
    #: The places of its instance that it takes; None is one.
    slots: Slots | None = None
    #: The instance that it is kept to.
    affinity: Affinity | None = None
    #: The epoch of a former job with this id, which is continued (E3).
    epoch: int = 0

    @property
    def all_needs(self) -> str:
        """Return its needs; files, which may not travel to every cluster, are one."""
        if self.payload_id is None or FILES_NEED in self.needs.split():
            return self.needs
        return f"{self.needs} {FILES_NEED}".strip()

    @property
    def lane(self) -> Lane:
        """Return the lane it waits in."""
        return Lane(
            queue=self.queue,
            needs=self.all_needs,
            topic=self.topic,
            keyed=bool(self.key),
            requires=self.requires,
            prefers=self.prefers,
            resources=self.resources,
            slots=self.slots,
            affinity=self.affinity,
        )

    @property
    def is_plain(self) -> bool:
        """Return whether nothing but its row is stored, and nothing is counted or awaited for it.

        So whoever finds the row may bind it at once.
        """
        beside = self.tail or self.has_tail or self.payload_id or self.run_id or self.retry_of
        waits = self.hold or self.delay or self.slots or self.resources or self.affinity
        return not (beside or waits or self.epoch) and self.kind == "job"

    def facts(self) -> dict[str, Any]:
        """Return the stored values, by the names of COLUMNS."""
        return dict(zip(COLUMNS, self.row(), strict=True))

    def row(self) -> tuple[Any, ...]:
        """Return the values of COLUMNS."""
        return (
            self.id, self.kind, self.topic, self.task, str(self.lane), self.queue, self.key or "",
            self.all_needs,
            _text(list(self.args)) if self.args else "[]",
            _text(self.properties) if self.properties else "{}",
            _text(self.options) if self.options else "{}",
            None if self.tail is None else dumps(self.tail),
            self.has_tail, self.hold, self.priority, self.delay, self.expires_in,
            self.parent_id, self.root_id, self.run_id, self.payload_id, self.retry_of,
        )  # fmt: skip


def _text(value: Any) -> str:
    """Return a value as JSON: as kombu writes it, which makes an encoder for each."""
    try:
        return json.dumps(value)
    except TypeError:
        return dumps(value)


def insert(drafts: Sequence[Draft]) -> list[str]:
    """Store new jobs as PENDING and return their ids; leave known ones unchanged."""
    new = [row[0] for batch in _batches(drafts) for row in _stored(batch)]
    for draft in drafts:
        if draft.epoch and draft.id in new:
            database.execute(
                f"UPDATE {JOB} SET epoch = %(epoch)s WHERE id = %(id)s",
                {"epoch": draft.epoch, "id": draft.id},
            )
    return new


def insert_plain(draft: Draft, lane: str, channel: str = "") -> list[str]:
    """Store one plain job as PENDING by one statement; return its id if it is new.

    ``channel`` is notified of its lane with the commit, unless it is empty (PostgreSQL alone).
    """
    facts = {
        "id": draft.id,
        "topic": draft.topic,
        "task": draft.task,
        "lane": lane,
        "queue": draft.queue,
        "key": draft.key or "",
        "needs": draft.needs,
        "args": _text(list(draft.args)) if draft.args else "[]",
        "properties": _text(draft.properties) if draft.properties else "{}",
        "options": _text(draft.options) if draft.options else "{}",
        "priority": draft.priority,
        "expires_at": draft.expires_in,
        "parent_id": draft.parent_id,
        "root_id": draft.root_id,
    }
    if channel:
        facts["channel"] = channel
    found = database.rows(_plain_row(notifying=bool(channel)), facts, prepared=True)
    return [row[0] for row in found]


@once_per_dialect
def _plain_row(*, notifying: bool) -> str:
    values = ", ".join(_value(name, f"%({name})s") for name in PLAIN_COLUMNS)
    stored = f"INSERT INTO {JOB} ({', '.join(PLAIN_COLUMNS)}) VALUES ({values}) {NEW_ID}"
    if not notifying:
        return stored
    return f"WITH stored AS ({stored}) SELECT id, pg_notify(%(channel)s, %(lane)s) FROM stored"


def _stored(batch: Sequence[Draft]) -> list[tuple[Any, ...]]:
    if len(batch) == 1:
        return database.rows(_one_row(), batch[0].facts(), prepared=True)
    return _many_rows(batch)


@once_per_dialect
def _one_row() -> str:
    return f"INSERT INTO {JOB} ({', '.join(COLUMNS)}) VALUES ({draft_placeholders()}) {NEW_ID}"


def _many_rows(batch: Sequence[Draft]) -> list[tuple[Any, ...]]:
    """Store jobs by one statement that says what they have in common once.

    Most of a row is, and to read it a thousand times costs more than to store it. The values come
    in the order of their places, nowhere else: SQLite looks each name up among all before it.
    """
    columns = dict(zip(COLUMNS, zip(*(draft.row() for draft in batch), strict=True), strict=True))
    own = {
        name: values
        for name, values in columns.items()
        if name in PER_JOB_COLUMNS or _differ(values)
    }
    common = [values[0] for name, values in columns.items() if name not in own]
    row = f"({', '.join(['%s'] * len(own))})"
    selected = ", ".join(_value(name, f"given.{name}" if name in own else "%s") for name in COLUMNS)
    with database.cursor() as stored:
        stored.execute(
            f"INSERT INTO {JOB} ({', '.join(COLUMNS)}) "
            f"WITH given ({', '.join(own)}) AS (VALUES {', '.join([row] * len(batch))}) "
            f"SELECT {selected} FROM given WHERE true {NEW_ID}",
            [*chain.from_iterable(zip(*own.values(), strict=True)), *common],
        )
        return list(stored.fetchall())


def _differ(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values)


def draft_placeholders() -> str:
    """Return the placeholders of a draft's values in SQL."""
    return ", ".join(_value(name, f"%({name})s") for name in COLUMNS)


def _value(name: str, given: str) -> str:
    """Return the SQL of a column's value; times are given as seconds from now."""
    timed = name in {"run_at", "expires_at"}
    return database.later(f"CAST({given} AS double precision)") if timed else given


def _batches(drafts: Sequence[Draft]) -> Iterator[Sequence[Draft]]:
    for start in range(0, len(drafts), ROWS_PER_STATEMENT):
        yield drafts[start : start + ROWS_PER_STATEMENT]
