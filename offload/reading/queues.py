"""Queues with what waits and runs in them, for those who look."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.db import database
from offload.fleet.snapshots import snapshot
from offload.models import Job
from offload.models.indexes import BOUND
from offload.reading.counts import REASONS

if TYPE_CHECKING:
    from offload.core.policies import Policy

JOB = Job._meta.db_table


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLine:
    """One queue: its policy, and its jobs in numbers."""

    policy: Policy
    #: Jobs that wait for an instance or for their time.
    waiting: int
    #: Jobs that are bound and not begun.
    bound: int
    #: Jobs that run.
    active: int


def queues() -> tuple[QueueLine, ...]:
    """Return every queue by name, the default one included."""
    seen, counts = snapshot(fresh=True), _counts()
    policies = {seen.default.name: seen.default, **{one.name: one for one in seen.policies}}
    return tuple(
        QueueLine(
            policy=policy,
            waiting=counts[name, "PENDING"],
            bound=counts[name, "QUEUED"],
            active=counts[name, "ACTIVE"],
        )
        for name, policy in sorted(policies.items())
    )


def _counts() -> Counter[tuple[str, str]]:
    """Count the jobs that are not final by queue and state, by the indexes on just those."""
    waiting = [f"state = 'PENDING' AND {reason}" for reason in REASONS]
    found = database.rows(
        " UNION ALL ".join(
            f"SELECT queue, state, count(*) FROM {JOB} WHERE {which} GROUP BY queue, state"
            for which in [*waiting, BOUND]
        )
    )
    counts: Counter[tuple[str, str]] = Counter()
    for queue, state, number in found:
        counts[queue, state] += int(number)
    return counts
