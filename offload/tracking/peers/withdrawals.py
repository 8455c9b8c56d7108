"""Withdrawals: bindings that home takes back from a peer (P7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.peers.contents import Acknowledgement, Withdrawal
from offload.db import database
from offload.models import Job, WithdrawnBinding
from offload.models.indexes import BOUND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.tracking.selectors import Selector

JOB, TABLE = Job._meta.db_table, WithdrawnBinding._meta.db_table
COLUMNS = "job_id, epoch, stops_runs, is_forced"
#: Which of two withdrawals of a job is the stronger one: of a newer binding, or for more.
IS_STRONGER = (
    f"excluded.epoch > {TABLE}.epoch OR (excluded.epoch = {TABLE}.epoch "
    f"AND (excluded.stops_runs AND NOT {TABLE}.stops_runs "
    f"OR excluded.is_forced AND NOT {TABLE}.is_forced))"
)
#: Seconds until what was not answered is sent again: doubled each time, up to about a minute.
PAUSE = "CASE WHEN tries < 6 THEN (1 << tries) ELSE 60 END"


def withdraw(jobs: Selector, *, stops_runs: bool, is_forced: bool = False) -> None:
    """Take back the bindings to peers among these; a weaker withdrawal of the same is replaced."""
    database.execute(
        f"INSERT INTO {TABLE} (job_id, peer, epoch, stops_runs, is_forced) "
        f"SELECT id, peer, epoch, %(stops_runs)s, %(is_forced)s FROM {JOB} "
        f"WHERE {jobs.condition} AND {BOUND} AND peer IS NOT NULL "
        "ON CONFLICT (job_id, peer) DO UPDATE SET epoch = excluded.epoch, "
        "stops_runs = excluded.stops_runs, is_forced = excluded.is_forced, "
        f"due_at = excluded.due_at, tries = 0 WHERE {IS_STRONGER}",
        jobs.given(stops_runs=stops_runs, is_forced=is_forced),
    )


def due(peer: str, limit: int) -> list[Withdrawal]:
    """Return the withdrawals that are to be sent to a peer, the longest due first."""
    found = database.rows(
        f"SELECT {COLUMNS} FROM {TABLE} WHERE peer = %(peer)s AND due_at <= {database.now()} "
        "ORDER BY due_at LIMIT %(limit)s",
        {"peer": peer, "limit": limit},
    )
    return [
        Withdrawal(job_id=row[0], epoch=row[1], stops_runs=bool(row[2]), is_forced=bool(row[3]))
        for row in found
    ]


def note_sent(peer: str, sent: Sequence[Withdrawal]) -> None:
    """Note that withdrawals were sent; they are due again later."""
    for one in sent:
        database.execute(
            f"UPDATE {TABLE} SET due_at = {database.later(PAUSE)}, tries = tries + 1 "
            "WHERE peer = %(peer)s AND job_id = %(job_id)s AND epoch = %(epoch)s",
            {"peer": peer, "job_id": one.job_id, "epoch": one.epoch},
        )


def acknowledge(peer: str, acknowledgement: Acknowledgement) -> bool:
    """Delete the withdrawal that was acknowledged, or a weaker one; return whether there was."""
    return bool(
        database.execute(
            f"DELETE FROM {TABLE} WHERE peer = %(peer)s AND job_id = %(job_id)s "
            "AND (epoch < %(epoch)s OR (epoch = %(epoch)s "
            "AND (NOT stops_runs OR %(stops_runs)s) AND (NOT is_forced OR %(is_forced)s)))",
            {
                "peer": peer,
                "job_id": acknowledgement.job_id,
                "epoch": acknowledgement.epoch,
                "stops_runs": acknowledgement.stops_runs,
                "is_forced": acknowledgement.is_forced,
            },
        )
    )


def has_any(peer: str) -> bool:
    """Return whether a peer has a withdrawal to acknowledge (P9)."""
    return WithdrawnBinding.objects.filter(peer=peer).exists()
