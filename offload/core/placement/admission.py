"""Admission: how many more jobs of a queue may be bound now, and why no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.policies import QueueType
from offload.core.states import Waiting

if TYPE_CHECKING:
    from datetime import datetime

    from offload.core.policies import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The capacity that a queue's jobs take at one moment."""

    # Jobs that are bound or run.
    bound: int = 0


# Stands for no use at all, to ask for the most that a policy ever admits.
UNUSED = Usage()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How many more jobs of a queue may be bound now."""

    # Negative if too many are bound; None for any number.
    n: int | None = None
    # Why no more may be bound; None if some may.
    reason: Waiting | None = None
    # The time at which that changes by itself, if it does.
    again_at: datetime | None = None
    # Whether only the first job in line may be bound.
    in_order: bool = False

    @property
    def is_unlimited(self) -> bool:
        """Tell whether any number may be bound, so that no counting is needed."""
        return self.n is None

    @property
    def is_open(self) -> bool:
        """Tell whether any job may be bound."""
        return self.n is None or self.n > 0

    @property
    def excess(self) -> int:
        """Return how many bound jobs are too many."""
        return max(0, -(self.n or 0))

    def up_to(self, most: int) -> int:
        """Return how many jobs may be bound if there is room for `most`."""
        return most if self.n is None else max(0, min(self.n, most))


UNLIMITED = Allowance()


def admit(policy: Policy, usage: Usage, now: datetime) -> Allowance:
    """Return how many more jobs of a queue may be bound, given its policy and its usage.

    No policy depends on `now` yet; one that does will say in `again_at` when to ask again.
    """
    if policy.is_plain:
        return UNLIMITED
    limit = 0 if policy.suspended else policy.limit or 0
    left = limit - usage.bound
    return Allowance(
        n=left, reason=_reason(policy, left), in_order=policy.type is QueueType.ORDERED
    )


def _reason(policy: Policy, left: int) -> Waiting | None:
    if policy.suspended:
        return Waiting.SUSPENDED
    return Waiting.QUEUE_LIMIT if left < 1 else None
