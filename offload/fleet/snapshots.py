"""The topology as this process knows it: a frozen snapshot, renewed when its version moves."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TypeVar

from offload.conf import settings
from offload.core.placement.topology import Topology
from offload.core.policies import Policy, policy_for
from offload.fleet.row_values import default_policy, instance_of, policy_of, readable, rule_of
from offload.models import Instance, Lease, Queue, Rule, Switch
from offload.models.versions import (
    Raised,
    last_change,
    uncommitted,
    version_and_time,
)

T = TypeVar("T")
Row = TypeVar("Row")

logger = logging.getLogger("offload.topology")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Instances, rules and policies under one version: the basis of decisions."""

    topology: Topology
    policies: tuple[Policy, ...]

    #: Holds where no queue's row does.
    default: Policy

    @property
    def version(self) -> int:
        """Return the version."""
        return self.topology.version

    def policy(self, queue: str) -> Policy:
        """Return the policy of that name; the default one where it has no row."""
        return next((one for one in self.policies if one.name == queue), self.default)

    def policy_for(self, topic: str) -> Policy:
        """Return the policy that a topic's jobs get unless they name another."""
        return policy_for(topic, self.policies, self.default)


class _Cache(threading.local):
    snapshot: Snapshot | None = None
    asked: float = 0.0
    #: Under which uncommitted change it was read, and after which of this process.
    read: tuple[Raised | None, int] | None = None


class _Clock:
    #: By how much the database's clock is ahead of this host's; None before it was asked.
    ahead: timedelta | None = None


_cache = _Cache()
_clock = _Clock()


def snapshot(*, fresh: bool = False) -> Snapshot:
    """Return the snapshot; its version is asked again after the time the settings say.

    ``fresh`` asks at once. What was read after a change that is not committed is kept only as
    long as that change is: a version that fell back with it comes again for another content.
    """
    # A7a
    now_read = uncommitted(), last_change()
    held = _cache.snapshot if _cache.read == now_read else None
    aged = monotonic() - _cache.asked > settings().topology_age
    if held is None or fresh or aged:
        _cache.asked = monotonic()
        version = _ask()
        if held is None or held.version != version:
            held = load(version)
            _cache.snapshot, _cache.read = held, now_read
    return held


def _ask() -> int:
    """Return the version; what the database's clock shows comes with it."""
    before = datetime.now(UTC)
    version, there = version_and_time()
    middle = before + (datetime.now(UTC) - before) / 2
    _clock.ahead = there - middle if there else timedelta()
    return version


def forget() -> None:
    """Read the topology anew at the next question."""
    _cache.snapshot = None


def now() -> datetime:
    """Return the database's time, which ends of rules are compared with (A7).

    It is asked with the topology's version, and only once more before that ever was.
    """
    if _clock.ahead is None:
        _ask()
    return datetime.now(UTC) + (_clock.ahead or timedelta())


def load(version: int) -> Snapshot:
    """Read the snapshot; the version is read before it, so it is never older than its number."""
    off = dict(Switch.objects.values_list("pk", "note"))
    leader = Lease.objects.filter(pk="leader").values_list("incarnation", flat=True).first()
    instances = tuple(instance_of(row, off=off, leader=leader) for row in Instance.objects.all())
    rules = tuple(readable(Rule.objects.not_ended(), rule_of))
    topology = Topology(version=version, instances=instances, rules=rules)
    policies = tuple(policy_of(row) for row in Queue.objects.all())
    return Snapshot(topology=topology, policies=policies, default=default_policy())
