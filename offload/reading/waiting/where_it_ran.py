"""Why a job that failed ran where it did, as it was written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import FAILED

if TYPE_CHECKING:
    from offload.models import Job


def where_it_ran(job: Job) -> str:
    """Return why a job that failed ran where it did, or nothing.

    The database is queried for failed jobs alone.
    """
    if job.job_state not in FAILED:
        return ""
    found = job.placements.filter(epoch=job.epoch)
    return found.values_list("text", flat=True).first() or ""
