"""Decisions on ended attempts by the job's policy, with random jitter."""

from __future__ import annotations

from random import random
from typing import TYPE_CHECKING, Protocol

from offload.core.retries import Cause, decide
from offload.models import Attempt

if TYPE_CHECKING:
    from offload.core.outcomes import ErrorInfo
    from offload.core.retries import RetryDecision, RetryPolicy


class Counted(Protocol):
    """A job's counters, from its row or its claim."""

    @property
    def failures(self) -> int:
        """Return how many attempts failed before."""

    @property
    def crashes(self) -> int:
        """Return how many attempts crashed before."""


def decided(
    policy: RetryPolicy,
    job: Counted,
    cause: Cause,
    *,
    final: bool = False,
    error: ErrorInfo | None = None,
    delay: float | None = None,
) -> RetryDecision:
    """Decide on a job whose attempt ended by a cause (R6, R7).

    ``final`` says that a retry is pointless. ``delay`` is the wait in seconds that the error asks
    for.
    """
    return decide(
        policy,
        cause=cause,
        failures=job.failures,
        crashes=job.crashes,
        final=final,
        names=error.names if error else (),
        delay=delay,
        draw=random(),  # noqa: S311 - nothing secret
    )


def rejections(job_id: str) -> int:
    """Return how many attempts of a job rejected it."""
    return Attempt.objects.filter(job=job_id, cause=Cause.REJECTED).count()
