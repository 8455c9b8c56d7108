"""Homes of clones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import JobState
from offload.fleet.snapshots import now
from offload.models import Peer

if TYPE_CHECKING:
    from offload.models import Job


def sentence(job: Job) -> str:
    """Say which cluster owns a clone, and whether that keeps it waiting; "" for any other job."""
    if not job.is_clone:
        return ""
    owner = f"It is a clone: {job.home} owns it."
    if job.state not in {JobState.PENDING, JobState.QUEUED} or _leases(job.home or ""):
        return owner
    return f"{owner} It begins only while {job.home} is heard, which it was not of late."


def _leases(home: str) -> bool:
    return Peer.objects.filter(pk=home, lease_until__gt=now()).exists()
