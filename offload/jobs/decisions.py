"""Decisions on attempts that ended: what a job's policy says, with its jitter drawn."""

from __future__ import annotations

from random import random
from typing import TYPE_CHECKING, Protocol

from offload.core.retries import Cause, decide
from offload.models import Attempt

if TYPE_CHECKING:
    from offload.core.retries import RetryDecision, RetryPolicy


class Counted(Protocol):
    """A job, as a row or as its claim returned it."""

    @property
    def failures(self) -> int:
        """Return how many attempts failed before."""

    @property
    def crashes(self) -> int:
        """Return how many attempts took their process with them."""


def decided(
    policy: RetryPolicy, job: Counted, cause: Cause, *, final: bool = False
) -> RetryDecision:
    """Return what becomes of a job whose attempt ended by a cause (R6, R7).

    ``final`` says that a retry is pointless.
    """
    return decide(
        policy,
        cause=cause,
        failures=job.failures,
        crashes=job.crashes,
        final=final,
        luck=random(),  # noqa: S311 - nothing secret
    )


def rejections(job_id: str) -> int:
    """Return how many attempts of a job put it back because they would not have it."""
    return Attempt.objects.filter(job=job_id, cause=Cause.REJECTED).count()
