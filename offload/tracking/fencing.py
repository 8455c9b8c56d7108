"""Numbers for what is outside the database: of a queue's attempts, the later has the higher."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from offload.db import database
from offload.models import Job, Version
from offload.tracking.selectors import CURRENT_ATTEMPT, params_of

if TYPE_CHECKING:
    from offload.core.attempt_key import AttemptKey

JOB, VERSION = Job._meta.db_table, Version._meta.db_table
#: Characters that the name of a counter has room for.
COUNTER_NAME_MAX = 32


def take(key: AttemptKey, queue: str) -> int | None:
    """Return the next number of a queue (E5); None for an attempt that was overtaken.

    The job's row is locked until the number is committed: whoever overtakes this attempt gets a
    higher one, and after that this attempt gets none. Raise RuntimeError inside a transaction,
    whose rollback would give the same number out again.
    """
    lock = database.FOR_UPDATE[database.vendor()]
    with database.atomic(durable=True):
        found = database.rows(
            f"INSERT INTO {VERSION} (name, number) "
            f"SELECT %(counter)s, 1 "
            f"FROM (SELECT id FROM {JOB} WHERE {CURRENT_ATTEMPT} {lock}) AS mine WHERE true "
            f"ON CONFLICT (name) DO UPDATE SET number = {VERSION}.number + 1 RETURNING number",
            {**params_of(key), "counter": counter(queue)},
        )
    return int(found[0][0]) if found else None


def counter(queue: str) -> str:
    """Return the name under which a queue's numbers are counted."""
    name = f"fence:{queue}"
    return (
        name
        if len(name) <= COUNTER_NAME_MAX
        else f"fence:{sha256(queue.encode()).hexdigest()}"[:COUNTER_NAME_MAX]
    )
