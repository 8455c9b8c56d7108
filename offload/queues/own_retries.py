"""A job's own retries, which take precedence over its queue's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offload.core.validation.bounds import RETRIES, RETRY_DELAY

if TYPE_CHECKING:
    from offload.core.retries import RetryPolicy

#: The keys of the frozen options, beside Celery's own.
RETRY_OPTION = "offload_retry"


def frozen(retries: int | None, retry_delay: float | None) -> dict[str, Any]:
    """Return them as options; empty if the job has none of its own."""
    given = {"retries": retries, "delay": retry_delay}
    own = {name: value for name, value in given.items() if value is not None}
    return {RETRY_OPTION: own} if own else {}


def of(policy: RetryPolicy, options: Mapping[str, Any]) -> RetryPolicy:
    """Return the policy with the job's own values; numbers out of bounds become the nearest."""
    own = options.get(RETRY_OPTION)
    if not isinstance(own, Mapping):
        return policy
    return replace(
        policy,
        retries=RETRIES.nearest_whole(own.get("retries", policy.retries)),
        delay=RETRY_DELAY.nearest(own.get("delay", policy.delay)),
    )
