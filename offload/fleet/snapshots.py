"""The topology as this process knows it: a frozen snapshot, renewed when the version changes."""

from __future__ import annotations

import logging
import math
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from offload.conf import settings
from offload.core.matching.amounts import NO_RESOURCES, Amounts
from offload.core.peers.peer_switches import PeerSwitches
from offload.core.placement.judgement import consumer_for
from offload.core.placement.planning import preferences_of
from offload.core.placement.reservations import Reserved, with_reservations
from offload.core.placement.topology import Topology
from offload.core.policies import Policy, policy_for
from offload.fleet.instance_values import announced_instances, instance_of, reservations
from offload.fleet.remote import read_switches, remote
from offload.fleet.row_values import default_policy, policy_of, readable, rule_of
from offload.models import Lease, Queue, Rule, Switch
from offload.models.versions import (
    Raised,
    last_change,
    uncommitted,
    version_and_time,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.placement.judgement import Need
    from offload.core.placement.lanes import Lane
    from offload.core.placement.topology import InstanceInfo

T = TypeVar("T")
Row = TypeVar("Row")

logger = logging.getLogger("offload.topology")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Instances, rules and policies of one version: the basis of decisions."""

    topology: Topology
    policies: tuple[Policy, ...]

    #: Applies if no queue's row does.
    default: Policy
    #: Places of instances that are kept for jobs that take several.
    reservations: tuple[Reserved, ...] = ()
    #: Of what goes to and comes from other clusters.
    switches: PeerSwitches = field(default_factory=PeerSwitches)

    @property
    def version(self) -> int:
        """Return the version."""
        return self.topology.version

    def policy(self, queue: str) -> Policy:
        """Return the policy of that name, or the default one if it has no row."""
        return next((one for one in self.policies if one.name == queue), self.default)

    def need(self, lane: Lane) -> Need:
        """Return the needs of the jobs of a lane: their own, their queue's, their consumer's."""
        policy, theirs = self.policy(lane.queue), preferences_of(lane.topic, self.topology)
        if not (policy.requires or policy.prefers or theirs or policy.leader_only):
            return lane.need
        return replace(
            lane.need,
            requires=lane.requires.merged(policy.requires),
            prefers=lane.prefers.merged(policy.prefers).merged(theirs),
            leader_only=policy.leader_only,
        )

    def amounts(self, lane: Lane, instance: InstanceInfo | None) -> Amounts:
        """Return the amounts of resources that each job of a lane uses at an instance.

        Its queue's and its consumer's count too; at an instance of another cluster, none here.
        """
        if instance is None or instance.peer:
            return NO_RESOURCES
        asked = lane.resources.merged(self.policy(lane.queue).resources)
        consumer = consumer_for(instance, lane.topic)
        return asked.merged(consumer.resources) if consumer else asked

    def policy_for(self, topic: str) -> Policy:
        """Return the policy of a topic's jobs, unless they name another queue."""
        return policy_for(topic, self.policies, self.default)


class _LastRead(threading.local):
    """The snapshot of one thread: another thread's transaction may see something else."""

    snapshot: Snapshot | None = None
    asked: float = -math.inf
    #: The uncommitted change that it was read under, and this process's last change before it.
    read: tuple[Raised | None, int] | None = None


class Reader:
    """Reads the topology when it has changed, and the database's time with it.

    ``ask`` returns the topology's version and the database's time; ``clock`` returns seconds that
    only grow.
    """

    def __init__(
        self,
        ask: Callable[[], tuple[int, datetime | None]] = version_and_time,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Begin with nothing read."""
        self.ask = ask
        self.clock = clock
        self._last = _LastRead()
        self._shared: Snapshot | None = None
        #: How far the database's clock is ahead of this host's; None before it was read.
        self._ahead: timedelta | None = None

    def snapshot(self, *, fresh: bool = False) -> Snapshot:
        """Return the snapshot; check its version again after the time in the settings.

        ``fresh`` checks at once. A snapshot read after an uncommitted change is kept only as long
        as that change is: after a rollback, the same version number may come again for another
        content.
        """
        # A7a
        mine, now_read = self._last, (uncommitted(), last_change())
        held = mine.snapshot if mine.read == now_read else None
        aged = self.clock() - mine.asked > settings().topology_age
        if held is None or fresh or aged:
            mine.asked = self.clock()
            version = self._version()
            if held is None or held.version != version:
                held = self._same(load(version))
                mine.snapshot, mine.read = held, now_read
        return held

    def _same(self, found: Snapshot) -> Snapshot:
        """Return the equal snapshot of another thread: memos recognise it without comparing."""
        shared = self._shared
        if shared is None or shared != found:
            self._shared = shared = found
        return shared

    def _version(self) -> int:
        """Return the version, and note the database's time that comes with it."""
        before = datetime.now(UTC)
        version, there = self.ask()
        middle = before + (datetime.now(UTC) - before) / 2
        self._ahead = there - middle if there else timedelta()
        return version

    def forget(self) -> None:
        """Drop the snapshot; the next call reads the topology again."""
        self._last.snapshot = None

    def now(self) -> datetime:
        """Return the database's time, with which the ends of rules are compared (A7).

        It is read with the topology's version, and by itself only before the first time.
        """
        if self._ahead is None:
            self._version()
        return datetime.now(UTC) + (self._ahead or timedelta())


def load(version: int) -> Snapshot:
    """Read the snapshot; its version comes first, so the content is never older than that."""
    off = Switch.objects.in_bulk()
    leader = Lease.objects.filter(pk="leader").values_list("incarnation", flat=True).first()
    reserved = reservations()
    rows = (instance_of(row, off=off, leader=leader) for row in announced_instances())
    instances = tuple(with_reservations(one, reserved) for one in rows)
    rules = tuple(readable(Rule.objects.not_ended().defer("created_at", "created_by"), rule_of))
    switches = read_switches()
    topology = Topology(version=version, instances=instances, rules=rules, remote=remote(switches))
    policies = tuple(policy_of(row) for row in Queue.objects.all())
    return Snapshot(
        topology=topology,
        policies=policies,
        default=default_policy(),
        switches=switches,
        reservations=reserved,
    )


#: The reader of this process. Django keeps one connection per thread, and has no place beside it.
reader = Reader()
snapshot, now, forget = reader.snapshot, reader.now, reader.forget
