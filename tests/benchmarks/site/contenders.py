"""How each contender submits, and how it says that all is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from django_celery_results.models import TaskResult

from tests.benchmarks.site.celery import tick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.variants import Variant


class Contender(Protocol):
    """The interface of a contender for the driver."""

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


def contender(variant: Variant) -> Contender:
    """Return the contender of a variant."""
    if variant.offload:
        from tests.benchmarks.site.jobs import Jobs

        return Jobs()
    return Stored() if variant.results else Bare()
