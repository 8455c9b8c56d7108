"""Why a message of a job begins nothing any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.models import Instance, Job

if TYPE_CHECKING:
    from offload.core.attempt_key import AttemptKey


def why_late(key: AttemptKey, instance: str) -> str:
    """Say what became of the job whose message came too late to this instance."""
    job = Job.objects.filter(pk=key.job_id).only("state", "epoch", "instance").first()
    if job is None:
        return "the job was removed"
    if job.is_finished:
        return f"the job is {job.state}"
    if job.state == JobState.ACTIVE and job.epoch == key.epoch:
        return "another message of it has begun the job"
    drains = Instance.objects.filter(pk=instance, mode=Mode.DRAINING).exists()
    taken = "taken back, since this instance drains" if drains else "taken back"
    where = f"; it is {job.state} at {job.instance}" if job.instance else "; it waits"
    return f"the job was {taken}{where}"
