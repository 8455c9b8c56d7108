"""QUEUED → ACTIVE for several jobs of one instance by one statement, each with its own token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from offload.core.states import JobState
from offload.db import database, row_sets
from offload.db.row_sets import FLAG, NUMBER, TEXT
from offload.db.statements import Statement, change, named, once_per_dialect
from offload.models import Job
from offload.signals import is_heard
from offload.tracking.claiming import ASYNC_COMMIT, CLAIMED_COLUMNS, begun, read
from offload.tracking.peers.fitting import is_leased
from offload.tracking.selectors import IS_QUEUED
from offload.tracking.state_changes import send_on_commit, waited

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.attempt_key import AttemptKey
    from offload.tracking.selectors import Holder

JOB = Job._meta.db_table
ASKED_COLUMNS = {
    "its_id": TEXT, "its_epoch": NUMBER, "its_token": TEXT, "its_reruns": FLAG, "its_rescue": TEXT,
}  # fmt: skip
ROW = (*CLAIMED_COLUMNS, "instance")


class AfterLoss(NamedTuple):
    """The wishes of a consumer for what happens after a run that was lost."""

    #: Whether the job may run again by itself.
    reruns: bool = True
    #: Where it runs then; "" leaves that to the queue.
    rescue: str = ""


def claim_all(
    asked: Mapping[AttemptKey, AfterLoss], holder: Holder, then: Statement | None = None
) -> dict[str, Sequence[Any]]:
    """Begin the attempts of a group (R1); return the row of each that began, by its job's id.

    Each key has the token of its delivery. A row holds ``CLAIMED_COLUMNS`` as the database has
    them. ``then`` takes effect for each job that began.
    """
    rows = row_sets.packed(
        {
            "its_id": key.job_id,
            "its_epoch": key.epoch,
            "its_token": key.token,
            "its_reruns": wishes.reruns,
            "its_rescue": wishes.rescue,
        }
        for key, wishes in asked.items()
    )
    sql = _claiming(tuple(holder.given()), leased=is_leased())
    found = change(Statement(sql, named({"asked": rows}, holder.given())), then)
    keys = {key.job_id: key for key in asked}
    if is_heard(JobState.ACTIVE):
        send_on_commit(
            [
                begun(keys[job_id], read(row), instance, waits)
                for job_id, *row, instance, waits in found
            ]
        )
    return {job_id: row for job_id, *row, _, _ in found}


@once_per_dialect
def _claiming(compared: tuple[str, ...], *, leased: str) -> str:
    unhurried = f", {ASYNC_COMMIT}" if database.vendor() == "postgresql" else ""
    held = "".join(f" AND {JOB}.{name} = %({name})s" for name in compared)
    return (
        f"UPDATE {JOB} SET state = '{JobState.ACTIVE}', token = its_token, "
        f"started_at = {database.now()}, error = '', attempts = attempts + 1, "
        "reruns = (reruns AND its_reruns), "
        "rescue = CASE WHEN its_rescue = '' THEN rescue ELSE its_rescue END "
        f"FROM {row_sets.row_set('asked', ASKED_COLUMNS)}{unhurried} "
        f"WHERE id = its_id AND epoch = its_epoch AND {IS_QUEUED} AND NOT stop_requested"
        f"{leased}{held} RETURNING id, {', '.join(ROW)}, {waited()} AS waited"
    )
