"""Queues with what waits and runs in them, for those who look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.engine import counts
from offload.engine.topology import snapshot

if TYPE_CHECKING:
    from offload.core.policies import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLine:
    """One queue: its policy, and its jobs in numbers."""

    policy: Policy
    #: Jobs that wait for an instance or for their time.
    waiting: int
    #: Jobs that occupy a place in a window; those that run are among them.
    bound: int
    #: Jobs that run.
    active: int


def queues() -> tuple[QueueLine, ...]:
    """Return every queue by name, the default one included."""
    seen, places = snapshot(fresh=True), counts.bound()
    waiting, bound = counts.per("queue", counts.waiting()), counts.per("queue", places)
    active = counts.per("queue", counts.running(places))
    policies = {seen.default.name: seen.default, **{one.name: one for one in seen.policies}}
    return tuple(
        QueueLine(policy=policy, waiting=waiting[name], bound=bound[name], active=active[name])
        for name, policy in sorted(policies.items())
    )
