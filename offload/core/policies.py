"""Queues as policy: which topics, how many at once, how often again, how long kept."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.matching.amounts import NO_RESOURCES, Amounts
from offload.core.matching.escalation import NO_ESCALATION, Escalation
from offload.core.matching.job_keys import NO_KEYS, KeyRules
from offload.core.matching.preferences import INDIFFERENT, Preferences
from offload.core.matching.requirements import NOTHING, Requirements
from offload.core.matching.rescue import ANYWHERE, RescueRule
from offload.core.retries import RetryPolicy
from offload.core.topics import Pattern, most_specific

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from offload.core.timing.rates import Rate
    from offload.core.timing.windows import Windows


class QueueType(enum.StrEnum):
    """In what order the jobs of a queue run."""

    # As they can.
    UNORDERED = "unordered"
    # One at a time, in the order they were submitted.
    ORDERED = "ordered"
    # One at a time of each key, in the order they were submitted.
    ORDERED_PER_KEY = "ordered_per_key"
    # As they can, while its topics take turns.
    TOPIC_ROUND_ROBIN = "topic_round_robin"


class TurnsBy(enum.Enum):
    """Takers of turns in a queue."""

    KEYS = enum.auto()
    TOPICS = enum.auto()


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
    # Of these, on one instance: so many, that part of its processes if it is less than one, or all
    # of them if it is -1; None is without limit.
    max_per_instance: float | None = None
    # And on the instances of one host together; None is without limit.
    max_per_host: int | None = None
    # Rules by the keys of its jobs.
    keys: KeyRules = NO_KEYS
    retry: RetryPolicy
    # Whether a job runs again by itself after its process or its instance was lost.
    rerun: bool = True
    # Where it then runs.
    rescue: RescueRule = ANYWHERE
    cluster_order: ClusterOrder = ClusterOrder.LOCAL_FIRST
    # Seconds of waiting that count as one step of priority; None if waiting does not count.
    ageing: float | None = None
    # Requirements of each of its jobs, beside those of the job itself.
    requires: Requirements = NOTHING
    # Preferences of each of its jobs among instances, beside those of the job itself.
    prefers: Preferences = INDIFFERENT
    # Factors of requirements after a failure for want of memory or time.
    escalation: Escalation = NO_ESCALATION
    # Whether its jobs run at the leader alone, which is one instance at a time.
    leader_only: bool = False
    # Whether its jobs wait a moment for the instance in whose worker they are submitted.
    prefer_creation_instance: bool = False
    # The amounts of resources that each of its jobs uses, beside those of the job itself.
    resources: Amounts = NO_RESOURCES
    # Nothing of it is bound while it is suspended.
    suspended: bool = False
    # Jobs that are submitted wait while those that were there before run.
    drains: bool = False
    # Since when it is suspended or drains, and the person who did that.
    held_since: datetime | None = None
    held_by: str = ""
    # Why it is suspended, or drains.
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
    def limit_per_key(self) -> int | None:
        """Return how many of its jobs of one key may be bound at once, or None."""
        return 1 if self.type is QueueType.ORDERED_PER_KEY else self.keys.most

    @property
    def turns_by(self) -> TurnsBy | None:
        """Return the takers of turns, or None."""
        if self.type is QueueType.TOPIC_ROUND_ROBIN:
            return TurnsBy.TOPICS
        return TurnsBy.KEYS if self.keys.is_fair else None

    @property
    def chooses(self) -> bool:
        """Tell whether jobs are chosen by their keys, topics or instances."""
        if self.type is QueueType.ORDERED:
            return False
        rules = (self.limit_per_key, self.turns_by, self.max_per_instance, self.max_per_host)
        return self.leader_only or any(one is not None for one in rules)

    @property
    def is_limited(self) -> bool:
        """Tell whether it limits how many of some of its jobs run at once."""
        limits = (self.limit, self.limit_per_key, self.max_per_instance, self.max_per_host)
        return self.leader_only or any(one is not None for one in limits)

    @property
    def is_plain(self) -> bool:
        """Tell whether its jobs may be bound without looking at each other."""
        return not self.is_counted and not self.suspended and self.windows is None

    @property
    def is_counted(self) -> bool:
        """Tell whether its jobs are bound under the lock of its row, as counting them needs."""
        return self.limit is not None or self.rate is not None or self.chooses

    def limit_on(self, processes: int) -> int | None:
        """Return how many of its jobs an instance with so many processes may have, or None."""
        asked = self.max_per_instance
        if asked is None:
            return None
        if asked < 0:
            return max(1, processes)
        return int(asked) if asked >= 1 else max(1, round(processes * asked))


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
