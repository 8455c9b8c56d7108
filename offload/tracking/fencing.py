"""Fencing numbers for systems outside the database: later attempts of a queue get higher ones."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from offload.db import database
from offload.models import Job, Version
from offload.tracking.selectors import CURRENT_ATTEMPT, params_of

if TYPE_CHECKING:
    from offload.core.attempt_key import AttemptKey

JOB, VERSION_TABLE = Job._meta.db_table, Version._meta.db_table
#: Longest name of a counter, in characters.
COUNTER_NAME_MAX = 32


def take(key: AttemptKey, queue: str) -> int | None:
    """Return the next number of a queue (E5), or None for a stale attempt.

    The job's row is locked until the number is committed: a newer attempt gets a higher one, and
    after that this attempt gets none. Raise RuntimeError inside a transaction, whose rollback would
    give out the same number again.
    """
    lock = database.FOR_UPDATE[database.vendor()]
    with database.atomic(durable=True):
        found = database.rows(
            f"INSERT INTO {VERSION_TABLE} (name, number) "
            f"SELECT %(counter)s, 1 "
            f"FROM (SELECT id FROM {JOB} WHERE {CURRENT_ATTEMPT} {lock}) AS mine WHERE true "
            f"ON CONFLICT (name) DO UPDATE SET number = {VERSION_TABLE}.number + 1 "
            "RETURNING number",
            {**params_of(key), "counter": counter(queue)},
        )
    return int(found[0][0]) if found else None


def counter(queue: str) -> str:
    """Return the name of a queue's counter."""
    name = f"fence:{queue}"
    return (
        name
        if len(name) <= COUNTER_NAME_MAX
        else f"fence:{sha256(queue.encode()).hexdigest()}"[:COUNTER_NAME_MAX]
    )
