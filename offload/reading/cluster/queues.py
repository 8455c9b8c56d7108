"""Queues with the numbers of their jobs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.states import JobState
from offload.db import database
from offload.fleet.snapshots import snapshot
from offload.models import Job
from offload.models.indexes import BOUND, TIMED
from offload.reading.cluster.counts import WAITING_NOW

if TYPE_CHECKING:
    from offload.core.policies import Policy

JOB = Job._meta.db_table


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLine:
    """One queue: its policy, and its jobs in numbers."""

    policy: Policy
    #: The number of jobs that wait for an instance or for their time.
    waiting: int
    #: The number of jobs that are bound and have not begun.
    bound: int
    #: The number of running jobs.
    active: int


def queues() -> tuple[QueueLine, ...]:
    """Return every queue by name, including the default one."""
    current, counts = snapshot(fresh=True), _counts()
    policies = {
        current.default.name: current.default,
        **{one.name: one for one in current.policies},
    }
    return tuple(
        QueueLine(
            policy=policy,
            waiting=counts[name, JobState.PENDING],
            bound=counts[name, JobState.QUEUED],
            active=counts[name, JobState.ACTIVE],
        )
        for name, policy in sorted(policies.items())
    )


def _counts() -> Counter[tuple[str, str]]:
    """Count the unfinished jobs by queue and state, from partial indexes."""
    found = database.rows(
        " UNION ALL ".join(
            f"SELECT queue, state, count(*) FROM {JOB} WHERE {which} GROUP BY queue, state"
            for which in (*WAITING_NOW, TIMED, BOUND)
        )
    )
    counts: Counter[tuple[str, str]] = Counter()
    for queue, state, number in found:
        counts[queue, state] += int(number)
    return counts
