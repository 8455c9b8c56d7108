"""New jobs: everything frozen in the caller, then put into the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kombu.utils.json import dumps

from offload.models import Job, database
from offload.models.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

COLUMNS = (
    "id", "kind", "topic", "task", "lane", "queue", "needs", "args", "properties", "options",
    "tail", "has_tail", "hold", "priority", "run_at", "expires_at", "parent_id", "root_id",
    "run_id", "payload_id", "retry_of_id",
)  # fmt: skip
#: Rows per statement: bounded, so that one statement stays well under a second.
BATCH = 500
SECONDS = "CAST(%s AS double precision)"


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

    @property
    def lane(self) -> str:
        """Return queue, need and topic as one text."""
        return lane_of(self.queue, self.needs, self.topic)

    def row(self) -> tuple[Any, ...]:
        """Return the values of COLUMNS."""
        return (
            self.id, self.kind, self.topic, self.task, self.lane, self.queue, self.needs,
            dumps(list(self.args)) if self.args else "[]",
            dumps(self.properties) if self.properties else "{}",
            dumps(self.options) if self.options else "{}",
            None if self.tail is None else dumps(self.tail),
            self.has_tail, self.hold, self.priority, self.delay, self.expires_in,
            self.parent_id, self.root_id, self.run_id, self.payload_id, self.retry_of,
        )  # fmt: skip


def lane_of(queue: str, needs: str, topic: str) -> str:
    """Return the lane of a job: what can run in the same places now shares one."""
    return f"{queue}|{needs}|{topic}"


def of_lane(lane: str) -> tuple[str, str, str]:
    """Return queue, needs and topic of a lane."""
    queue, needs, topic = lane.split("|")
    return queue, needs, topic


def insert(drafts: Sequence[Draft]) -> int:
    """Store new jobs as PENDING and return how many were new; known ids are left alone."""
    return sum(len(inserting(batch).rows()) for batch in _batches(drafts))


def inserting(batch: Sequence[Draft]) -> Statement:
    """Return the statement that stores new jobs and returns the ids of those that were."""
    values = ", ".join([f"({placeholders()})"] * len(batch))
    params = tuple([value for draft in batch for value in draft.row()])
    return Statement(
        f"INSERT INTO {Job._meta.db_table} ({', '.join(COLUMNS)}) VALUES {values} "
        "ON CONFLICT (id) DO NOTHING RETURNING id",
        params,
        prepared=len(batch) == 1,
    )


def placeholders() -> str:
    """Return what stands for a draft's row in SQL."""
    timed = {"run_at", "expires_at"}
    marks = [database.later(SECONDS) if name in timed else "%s" for name in COLUMNS]
    return ", ".join(marks)


def _batches(drafts: Sequence[Draft]) -> Iterator[Sequence[Draft]]:
    for start in range(0, len(drafts), BATCH):
        yield drafts[start : start + BATCH]
