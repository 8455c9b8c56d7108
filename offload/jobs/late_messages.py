"""Why a job's message came too late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.models import Instance, Job

if TYPE_CHECKING:
    from offload.core.attempt_key import AttemptKey

ASKED = ("state", "epoch", "instance", "home")


def why_late(key: AttemptKey, instance: str) -> str:
    """Say what happened to the job whose message came too late to this instance."""
    job = Job.objects.filter(pk=key.job_id).only(*ASKED).first()
    if job is None:
        return "the job was removed"
    if job.is_finished:
        return f"the job is {job.state}"
    if job.state == JobState.ACTIVE and job.epoch == key.epoch:
        return "another message of it has begun the job"
    if job.home and (job.state, job.epoch) == (JobState.QUEUED, key.epoch):
        # P8: its message is sent again.
        return f"it may begin only while its cluster {job.home} is heard; it is tried again"
    drains = Instance.objects.filter(pk=instance, mode=Mode.DRAINING).exists()
    taken = "taken back, since this instance drains" if drains else "taken back"
    where = f"; it is {job.state} at {job.instance}" if job.instance else "; it waits"
    return f"the job was {taken}{where}"
