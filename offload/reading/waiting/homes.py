"""Homes of clones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import JobState
from offload.core.topics import RUN_TOPIC
from offload.fleet.snapshots import now
from offload.models import Peer, Run

if TYPE_CHECKING:
    from offload.models import Job


def sentence(job: Job) -> str:
    """Say which cluster owns a clone, and whether that keeps it waiting; "" for any other job."""
    if not job.is_clone:
        return ""
    what = "a clone" if job.run_id is None else "a step of a run that was sent here whole"
    owner = f"It is {what}: {job.home} owns it."
    if job.topic == RUN_TOPIC and (run := _brought(job)):
        return f"{owner} It ends with the run that it brought, {run.pk}."
    if job.state not in {JobState.PENDING, JobState.QUEUED} or _leases(job.home or ""):
        return owner
    return f"{owner} It begins only while {job.home} is heard, which it was not of late."


def _brought(job: Job) -> Run | None:
    """Return the run that a clone is here for, if it has begun."""
    mine = Run.objects.filter(home=job.home, home_epoch=job.home_epoch, parent_id=job.pk)
    return mine.first()


def _leases(home: str) -> bool:
    return Peer.objects.filter(pk=home, lease_until__gt=now()).exists()
