"""What an instance may run, by the rules as they are."""

from __future__ import annotations

from offload.dispatch import dispatching
from offload.fleet.snapshots import snapshot
from offload.models import Job
from tests.integration.world import TOPIC, row, waiting


def runs(topic: str = TOPIC) -> list[str]:
    """Return where a new job of a topic would be bound, over a fresh topology."""
    snapshot(fresh=True)
    ids = waiting(20, topic=topic)
    dispatching.sweep()
    found = {row(job_id).instance for job_id in ids} - {""}
    Job.objects.ids(ids).delete()
    return sorted(found)
