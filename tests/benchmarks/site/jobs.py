"""Jobs as a contender: the sites of the others have no app of that name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import offload
from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.models import Instance, Job, Peer
from tests.benchmarks.site.celery import TOPIC
from tests.benchmarks.site.contenders import Stored
from tests.benchmarks.site.identity import VARIANT

if TYPE_CHECKING:
    from collections.abc import Sequence


class Jobs(Stored):
    """Jobs, with results in the database too."""

    def is_ready(self) -> bool:
        """Return whether an instance takes work, here or in the other cluster."""
        if VARIANT.remote:
            heard = Peer.objects.filter(heard_at__isnull=False, lease_until__isnull=False)
            return any(one["mode"] == Mode.READY for peer in heard for one in peer.instances)
        return Instance.objects.filter(mode=Mode.READY).exists()

    def submit(self, number: int) -> None:
        """Submit a job."""
        offload.submit(TOPIC, {"number": number})

    def submit_many(self, numbers: Sequence[int]) -> None:
        """Submit all in one call."""
        offload.submit_many(TOPIC, [{"number": number} for number in numbers])

    def has_ended(self, jobs: int) -> bool:
        """Return whether so many jobs are SUCCEEDED and their results stored."""
        done = Job.objects.filter(state=JobState.SUCCEEDED).count() >= jobs
        return done and super().has_ended(jobs)
