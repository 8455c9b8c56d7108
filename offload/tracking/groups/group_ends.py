"""ACTIVE → SUCCEEDED for several attempts by one statement, each fenced by its own key."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from offload.core.states import JobState
from offload.db import database, row_sets
from offload.db.row_sets import NUMBER, TEXT
from offload.db.statements import Statement, change, once_per_dialect
from offload.models import Job
from offload.signals import is_heard
from offload.tracking.selectors import IS_ACTIVE
from offload.tracking.state_changes import change_columns, send_on_commit, state_change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.attempt_key import AttemptKey

JOB = Job._meta.db_table
ENDED_COLUMNS = {"its_id": TEXT, "its_epoch": NUMBER, "its_token": TEXT, "its_result": TEXT}


class Success(NamedTuple):
    """An attempt that succeeded, with the text of its value; None if the row keeps none."""

    key: AttemptKey
    result: str | None


def succeed_all(successes: Sequence[Success], then: Statement | None = None) -> set[str]:
    """Make jobs SUCCEEDED that have nothing due after their end (R4); return their ids.

    ``then`` takes effect for each of them.
    """
    rows = row_sets.packed(
        {
            "its_id": key.job_id,
            "its_epoch": key.epoch,
            "its_token": key.token,
            "its_result": result,
        }
        for key, result in successes
    )
    found = change(Statement(_ending(), {"ended": rows}), then)
    if is_heard(JobState.SUCCEEDED):
        send_on_commit([state_change(row, JobState.ACTIVE) for row in found])
    return {row[0] for row in found}


@once_per_dialect
def _ending() -> str:
    return (
        f"UPDATE {JOB} SET state = '{JobState.SUCCEEDED}', finished_at = {database.now()}, "
        "aftermath_due = false, has_tail = false, tail = NULL, result = its_result "
        f"FROM {row_sets.row_set('ended', ENDED_COLUMNS)} "
        f"WHERE id = its_id AND epoch = its_epoch AND token = its_token AND {IS_ACTIVE} "
        f"RETURNING {change_columns()}"
    )
