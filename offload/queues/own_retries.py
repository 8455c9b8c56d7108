"""Retries that a job was submitted with: they go before those of its queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offload.core.validation.bounds import RETRIES, RETRY_DELAY

if TYPE_CHECKING:
    from offload.core.retries import RetryPolicy

#: Under which they are frozen, beside the options that Celery has.
RETRY_OPTION = "offload_retry"


def frozen(retries: int | None, retry_delay: float | None) -> dict[str, Any]:
    """Return them as options; nothing where a job has none."""
    given = {"retries": retries, "delay": retry_delay}
    own = {name: value for name, value in given.items() if value is not None}
    return {RETRY_OPTION: own} if own else {}


def of(policy: RetryPolicy, options: Mapping[str, Any]) -> RetryPolicy:
    """Return a policy with what a job says otherwise; numbers that fit nowhere are the nearest."""
    own = options.get(RETRY_OPTION)
    if not isinstance(own, Mapping):
        return policy
    return replace(
        policy,
        retries=RETRIES.nearest_whole(own.get("retries", policy.retries)),
        delay=RETRY_DELAY.nearest(own.get("delay", policy.delay)),
    )
