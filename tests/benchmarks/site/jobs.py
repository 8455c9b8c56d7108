"""Jobs as a contender: the sites of the others have no app of that name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import offload
from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.models import Instance, Job
from tests.benchmarks.site.celery import TOPIC
from tests.benchmarks.site.contenders import Stored

if TYPE_CHECKING:
    from collections.abc import Sequence


class Jobs(Stored):
    """Jobs, with results in the database too."""

    def is_ready(self) -> bool:
        """Return whether the worker's instance takes work."""
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
