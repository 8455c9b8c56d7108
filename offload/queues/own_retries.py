"""A job's own retries, which take precedence over its queue's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidPlacement
from offload.core.matching.escalation import NO_ESCALATION, Escalated, Escalation
from offload.core.validation.bounds import RETRIES, RETRY_DELAY

if TYPE_CHECKING:
    from offload.core.retries import RetryPolicy

#: The keys of the frozen options, beside Celery's own.
RETRY_OPTION = "offload_retry"
#: That of the escalations so far, and how many of those are kept.
ESCALATED_OPTION = "offload_escalated"
#: The key of what a clone's attempt ran out of.
SHORTAGE_OPTION = "offload_shortage"
ESCALATED_MOST = 20


def frozen(
    retries: int | None, retry_delay: float | None, escalation: Escalation = NO_ESCALATION
) -> dict[str, Any]:
    """Return them as options; empty if the job has none of its own."""
    given = {"retries": retries, "delay": retry_delay, "with": escalation.given or None}
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


def escalation_of(options: Mapping[str, Any]) -> Escalation:
    """Return the escalation in a job's own options; none if it cannot be read."""
    own = options.get(RETRY_OPTION)
    try:
        return Escalation.of(own.get("with", {})) if isinstance(own, Mapping) else NO_ESCALATION
    except InvalidPlacement:
        return NO_ESCALATION


def escalated_in(options: Mapping[str, Any]) -> tuple[Escalated, ...]:
    """Return the escalations so far, the earliest first; leave out unreadable ones."""
    kept = options.get(ESCALATED_OPTION)
    found = map(Escalated.read, kept if isinstance(kept, list) else ())
    return tuple(one for one in found if one is not None)
