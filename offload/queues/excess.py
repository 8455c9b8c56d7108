"""Jobs bound beyond the limits of a queue: its own, of one key, or on one instance."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from offload.core.admission.admission import admit
from offload.core.admission.gates import UNUSED
from offload.fleet.snapshots import now, snapshot
from offload.tracking import selectors
from offload.tracking.binding import queue_use
from offload.tracking.binding.queue_limits import usage_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from offload.core.policies import Policy
    from offload.tracking.selectors import Selector


def beyond(policy: Policy) -> Iterator[Selector]:
    """Yield the unstarted jobs that are to be taken back, the last ones in line."""
    excess = _excess(policy)
    if excess > 0:
        yield selectors.beyond_limit(policy.name, excess)
    if policy.leader_only:
        yield from _of_followers(policy)
    if policy.chooses:
        yield from _of_keys_and_instances(policy)


def _excess(policy: Policy) -> int:
    """Return how many more jobs are bound than the policy allows together."""
    if policy.limit is None and admit(policy, UNUSED, now()).is_open:
        # A rate takes none back.
        return 0
    return admit(policy, usage_of(policy), now()).excess


def _of_followers(policy: Policy) -> Iterator[Selector]:
    """Yield the unstarted jobs at other instances than the leader (B6b)."""
    leader = snapshot().topology.leader
    names = queue_use.of(policy.name).by_instance if leader else {}
    yield from (
        selectors.beyond_limit_on(policy.name, name, 0)
        for name in names
        if leader and name != leader.name
    )


def _of_keys_and_instances(policy: Policy) -> Iterator[Selector]:
    use, most = queue_use.of(policy.name), policy.limit_per_key
    if most is not None and any(key and count > most for key, count in use.by_key.items()):
        yield selectors.beyond_limit_of_keys(policy.name, most)
    for name, count in use.by_instance.items():
        found = snapshot().topology.instance(name)
        there = policy.limit_on(found.concurrency) if found else None
        if there is not None and count > there:
            yield selectors.beyond_limit_on(policy.name, name, there)
    if policy.max_per_host is not None:
        yield from _of_hosts(policy, policy.max_per_host, use.by_instance)


def _of_hosts(policy: Policy, most: int, counts: Mapping[str, int]) -> Iterator[Selector]:
    hosts: defaultdict[str, list[str]] = defaultdict(list)
    for name in counts:
        found = snapshot().topology.instance(name)
        hosts[found.host if found else name].append(name)
    for names in hosts.values():
        if sum(counts[name] for name in names) > most:
            yield selectors.beyond_limit_at(policy.name, sorted(names), most)
