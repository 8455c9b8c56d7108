"""Celery's results of several jobs, written together with one change of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.db import database, row_sets
from offload.db.row_sets import TEXT
from offload.db.statements import Statement, once_per_dialect
from offload.models import Job
from offload.results.task_results import upserting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.attempt_key import AttemptKey

JOB = Job._meta.db_table
#: The name of the column with the token of the attempt whose result it is.
TOKEN = "its_token"  # noqa: S105


def upsert_all(results: Sequence[tuple[AttemptKey, Mapping[str, object]]]) -> Statement | None:
    """Return the statement that writes results, joined to a change of their jobs, if any.

    Each result is the columns that ``columns_of`` returns, all of the same names and with the same
    status, and is written only if its attempt was changed.
    """
    if not results:
        return None
    columns = tuple(results[0][1])
    rows = [
        {TOKEN: key.token, **{f"stored_{name}": value for name, value in stored.items()}}
        for key, stored in results
    ]
    is_start = results[0][1]["status"] == "STARTED"
    return Statement(_upserting(columns, is_start=is_start), {"stored": row_sets.packed(rows)})


@once_per_dialect
def _upserting(columns: tuple[str, ...], *, is_start: bool) -> str:
    names = [f"stored_{name}" for name in columns]
    rows = row_sets.row_set("stored", dict.fromkeys([*names, TOKEN], TEXT))
    if database.vendor() == "postgresql":
        source = f"FROM {rows} WHERE stored_task_id IN (SELECT id FROM changed)"
    else:
        # The change has been made: its attempts have their tokens now.
        mine = f"SELECT 1 FROM {JOB} WHERE id = stored_task_id AND token = {TOKEN}"
        source = f"FROM {rows} WHERE EXISTS ({mine})"
    return upserting(columns, names, source, is_start=is_start)
