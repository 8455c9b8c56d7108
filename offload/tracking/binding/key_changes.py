"""Keys of jobs that have not ended, after another property became the key of their queue."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from offload.core.matching.job_keys import key_of
from offload.core.placement.lanes import Lane
from offload.db import database
from offload.models import Job, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

JOB = Job._meta.db_table
#: Jobs that one statement changes.
JOBS_PER_STATEMENT = 500


def follow(queue: str, *, before: str, after: str) -> int:
    """Give the jobs of a queue the keys that another property says; return how many changed.

    ``before`` and ``after`` are the paths of the properties, empty for none. Jobs that were given
    a key keep it. Call it in a transaction, with the queue's row locked.
    """
    if before == after:
        return 0
    changes = sorted(_changes(queue, before, after))
    for start in range(0, len(changes), JOBS_PER_STATEMENT):
        _store(changes[start : start + JOBS_PER_STATEMENT])
    return len(changes)


def _changes(queue: str, before: str, after: str) -> Iterator[tuple[str, str, str]]:
    """Yield id, new key and new lane of each job that is to change."""
    jobs = Job.objects.unfinished().filter(queue=queue, kind=Kind.JOB).order_by()
    columns = jobs.values_list("pk", "key", "lane", "properties")
    for job_id, key, lane, properties in columns.iterator(JOBS_PER_STATEMENT):
        old, new = _key(properties, before), _key(properties, after)
        if key == old and old != new:
            yield job_id, new, str(replace(Lane.parse(lane), keyed=bool(new)))


def _key(properties: Any, path: str) -> str:
    return key_of(properties, path) if path and isinstance(properties, dict) else ""


def _store(changes: Sequence[tuple[str, str, str]]) -> None:
    values = ", ".join(["(%s, %s, %s)"] * len(changes))
    with database.cursor() as cursor:
        cursor.execute(
            f"WITH given (id, key, lane) AS (VALUES {values}) "
            f"UPDATE {JOB} SET key = given.key, lane = given.lane FROM given "
            f"WHERE {JOB}.id = given.id",
            list(chain.from_iterable(changes)),
        )
