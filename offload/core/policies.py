"""Queues as policy: which topics, how many at once, how often again, how long kept."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.matching.requirements import NOTHING, Requirements
from offload.core.retries import RetryPolicy
from offload.core.topics import Pattern, most_specific

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from offload.core.timing.rates import Rate
    from offload.core.timing.windows import Windows


class QueueType(enum.StrEnum):
    """In what order the jobs of a queue run."""

    # As they can.
    UNORDERED = "unordered"
    # One at a time, in the order they were submitted.
    ORDERED = "ordered"


class ClusterOrder(enum.StrEnum):
    """Where the jobs of a queue go to first, if instances of several clusters may run them."""

    # To the own ones; to others what those have no room for.
    LOCAL_FIRST = "local_first"
    # To all by the free share of their windows.
    BALANCED = "balanced"
    # To those of other clusters; to the own ones what those have no room for.
    REMOTE_FIRST = "remote_first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The policy for the jobs of one queue."""

    name: str
    patterns: tuple[Pattern, ...]
    type: QueueType = QueueType.UNORDERED
    # Jobs of the queue that run at once, on all instances together; None is without limit.
    max_parallel: int | None = None
    # Jobs that begin per unit of time, on all instances together; None is without limit.
    rate: Rate | None = None
    # The times of the week at which it runs; None is always.
    windows: Windows | None = None
    retry: RetryPolicy
    # Whether a job runs again by itself after its process or its instance was lost.
    rerun: bool = True
    cluster_order: ClusterOrder = ClusterOrder.LOCAL_FIRST
    # Seconds of waiting that count as one step of priority; None if waiting does not count.
    ageing: float | None = None
    # Requirements of each of its jobs, beside those of the job itself.
    requires: Requirements = NOTHING
    # Nothing of it is bound while it is suspended.
    suspended: bool = False
    # Why it is suspended.
    note: str = ""
    # Whether the settings of the site declare it.
    is_declared: bool = False
    # Decides between queues that match the same topic; specificity comes second.
    ranking: int = 0
    # How long final jobs are kept; None keeps them for ever.
    retention: timedelta | None = None

    @property
    def limit(self) -> int | None:
        """Return how many of its jobs may be bound at once, or None."""
        return 1 if self.type is QueueType.ORDERED else self.max_parallel

    @property
    def is_plain(self) -> bool:
        """Tell whether its jobs may be bound without looking at each other."""
        return not self.is_counted and not self.suspended and self.windows is None

    @property
    def is_counted(self) -> bool:
        """Tell whether its jobs are bound under the lock of its row, as counting them needs."""
        return self.limit is not None or self.rate is not None


# Takes every topic that no other queue takes, with the site's defaults.
DEFAULT_POLICY = Policy(
    name="default",
    patterns=(Pattern.parse("**"),),
    retry=RetryPolicy(retries=10, delay=2.0, backoff=2.0, jitter=0.25),
)


def policy_for(topic: str, policies: Iterable[Policy], default: Policy = DEFAULT_POLICY) -> Policy:
    """Return the policy that holds for the topic: ranking first, then the most specific.

    Of equals, the one first by name wins; without a match, `default`.
    """
    best: tuple[tuple[int, tuple[int, int]], Policy] | None = None
    for policy in sorted(policies, key=lambda one: one.name):
        pattern = most_specific(policy.patterns, topic)
        if pattern is None:
            continue
        weight = (policy.ranking, pattern.specificity)
        if best is None or weight > best[0]:
            best = weight, policy
    return best[1] if best else default
