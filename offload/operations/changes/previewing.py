"""The preview of a change: it is made in a transaction that is rolled back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from django.db import transaction

from offload.core.placement.comparison import Comparison, compare
from offload.db import database
from offload.db.conflicts import retried
from offload.fleet.snapshots import forget, load, snapshot
from offload.models.versions import current_version
from offload.operations import what_if
from offload.reading.cluster import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from offload.core.placement.lanes import Lane
    from offload.core.policies import Policy
    from offload.fleet.snapshots import Snapshot
    from offload.operations.what_if import FateLine, Waits
    from offload.reading.cluster.facts import ClusterFacts

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview(Generic[T_co]):
    """The outcome that a change would have, and its effects on instances, topics and jobs."""

    #: The outcome that ``apply`` would return.
    outcome: T_co
    #: Which instances could run more, or less.
    permissions: Comparison = field(default_factory=Comparison)
    #: By topic: the queue of its jobs now, and the one after the change.
    moved: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    #: Waiting jobs that would have nobody, be held back, move or begin.
    fates: tuple[FateLine, ...] = ()
    #: Number of jobs of these topics and queues that wait for an instance now.
    waiting: int = 0


def preview(act: Callable[[], T]) -> Preview[T]:
    """Preview a function that makes its change in the surrounding transaction."""
    before = facts.without_rows()
    current, lanes = snapshot(), before.counts.lanes
    present = what_if.look(lanes, current) if lanes else None
    outcome, after, then = _rehearsed(act, lanes)
    return Preview(
        outcome=outcome,
        permissions=(permissions := _permissions(before, after)),
        moved=_moved(before.counts.topics, current, after),
        fates=what_if.compared(lanes, present, then) if present and then else (),
        waiting=_waiting(before, permissions.topics, _other_policies(current, after)),
    )


@retried
def _rehearsed(act: Callable[[], T], lanes: Mapping[Lane, int]) -> tuple[T, Snapshot, Waits | None]:
    """Make the change, look, and undo it, so that it can be refused as in earnest."""
    try:
        with database.atomic():
            outcome, after = act(), load(current_version())
            then = what_if.look(lanes, after) if lanes else None
            transaction.set_rollback(True, using=database.alias())
    finally:
        forget()
    return outcome, after, then


def _permissions(before: ClusterFacts, after: Snapshot) -> Comparison:
    rows = before.topics | {rule.pattern.text for rule in after.topology.rules}
    return compare(before.topology, after.topology, rows, before.now)


def _moved(topics: Iterable[str], before: Snapshot, after: Snapshot) -> dict[str, tuple[str, str]]:
    pairs = {
        topic: (before.policy_for(topic).name, after.policy_for(topic).name)
        for topic in sorted(topics)
    }
    return {topic: pair for topic, pair in pairs.items() if pair[0] != pair[1]}


def _other_policies(before: Snapshot, after: Snapshot) -> frozenset[str]:
    """Return the names of queues whose policies for waiting jobs would differ."""
    names = {one.name for one in (*before.policies, *after.policies)}
    return frozenset(one for one in names if _fate(before.policy(one)) != _fate(after.policy(one)))


def _fate(policy: Policy) -> tuple[object, ...]:
    return (
        policy.limit, policy.type, policy.suspended, policy.retry, policy.rate, policy.windows,
        policy.ageing, policy.rerun, policy.rescue, policy.max_per_instance, policy.keys,
        policy.max_per_host,
    )  # fmt: skip


def _waiting(before: ClusterFacts, topics: frozenset[str], queues: frozenset[str]) -> int:
    return sum(
        number
        for topic, due in before.counts.due_in.items()
        for queue, number in due.items()
        if topic in topics or queue in queues
    )
