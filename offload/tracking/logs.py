"""Logs of running attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kombu.utils.json import dumps

from offload.core.job_log import JobLog
from offload.db import database
from offload.models import AttemptLog, Job
from offload.tracking.selectors import CURRENT_ATTEMPT, params_of

if TYPE_CHECKING:
    from offload.core.attempt_key import AttemptKey

JOB, LOG = Job._meta.db_table, AttemptLog._meta.db_table


def latest(job_id: str) -> JobLog | None:
    """Return the log of a job's latest attempt that has one."""
    rows = AttemptLog.objects.filter(job=job_id).order_by("-epoch")
    found = rows.values_list("lines", "count").first()
    return None if found is None else JobLog.read(*found)


def write(key: AttemptKey, log: JobLog) -> bool:
    """Write the log of a running attempt as a whole; return whether the attempt is current."""
    return bool(
        database.execute(
            f"INSERT INTO {LOG} (job_id, epoch, count, lines) "
            "SELECT id, epoch, %(count)s, %(lines)s "
            f"FROM {JOB} WHERE {CURRENT_ATTEMPT} "
            "ON CONFLICT (job_id, epoch) DO UPDATE "
            "SET count = excluded.count, lines = excluded.lines",
            {**params_of(key), "count": log.count, "lines": dumps(log.packed()["lines"])},
        )
    )
