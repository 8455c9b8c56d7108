"""How each contender submits, and how it says that all is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from django_celery_results.models import TaskResult

import offload
from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.models import Instance, Job
from tests.benchmarks.site.celery import TOPIC, tick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.variants import Variant


class Contender(Protocol):
    """What the driver asks of a contender."""

    def is_ready(self) -> bool:
        """Return whether jobs would be run now."""

    def submit(self, number: int) -> None:
        """Submit one job."""

    def submit_many(self, numbers: Sequence[int]) -> None:
        """Submit many at once; only of those that can."""

    def has_ended(self, jobs: int) -> bool:
        """Return whether so many jobs in all have ended, with their results stored."""


class Bare:
    """Celery whose results nobody wants: begun is as good as ended."""

    def is_ready(self) -> bool:
        """Return True: the worker has said so."""
        return True

    def submit(self, number: int) -> None:
        """Send a message."""
        tick.delay(number)

    def submit_many(self, numbers: Sequence[int]) -> None:
        """Raise: Celery sends one message after the other."""
        raise NotImplementedError

    def has_ended(self, jobs: int) -> bool:
        """Return True."""
        return True


class Stored(Bare):
    """Celery with results in the database."""

    def has_ended(self, jobs: int) -> bool:
        """Return whether so many results say SUCCESS."""
        return TaskResult.objects.filter(status="SUCCESS").count() >= jobs


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


def contender(variant: Variant) -> Contender:
    """Return the contender of a variant."""
    if variant.offload:
        return Jobs()
    return Stored() if variant.results else Bare()
