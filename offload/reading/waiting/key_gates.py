"""Gates that a queue has for one job: of its key, its turn and the instances."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from offload.core.admission.gates import GateVerdict, Usage, leadership
from offload.core.policies import QueueType, TurnsBy
from offload.core.states import JobState, Waiting
from offload.fleet.snapshots import now
from offload.models import Job, Queue
from offload.reading.waiting import slot_gates
from offload.tracking.binding import queue_use
from offload.tracking.binding.candidate_sql import head_of_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.admission.admission import Allowance
    from offload.core.policies import Policy
    from offload.fleet.snapshots import Snapshot
    from offload.tracking.binding.queue_use import QueueUse

#: Maximum number of instances named in a fact.
INSTANCES_SHOWN = 3


def added(allowance: Allowance, job: Job | None, current: Snapshot) -> Allowance:
    """Return a queue's allowance with the gates that it has for one waiting job."""
    allowance = replace(allowance, gates=(*allowance.gates, *slot_gates.gates(job, current)))
    policy = current.policy(job.queue) if job else None
    if job is None or policy is None or job.state != JobState.PENDING or not policy.chooses:
        return allowance
    use = queue_use.of(policy.name)
    found = {one.gate: one for one in (*allowance.gates, *_gates(job, policy, use, current))}
    return replace(allowance, gates=tuple(found.values()))


def _gates(job: Job, policy: Policy, use: QueueUse, current: Snapshot) -> Iterator[GateVerdict]:
    if policy.type is QueueType.ORDERED_PER_KEY and job.key:
        yield _order(job)
    elif policy.limit_per_key is not None and job.key:
        yield _per_key(job, policy, policy.limit_per_key, use)
    if policy.turns_by is not None:
        yield _turn(job, policy)
    if policy.leader_only and (gate := _leadership(policy, use, current)):
        yield gate
    if policy.max_per_instance is not None:
        yield _per_instance(policy, use, current)
    if policy.max_per_host is not None:
        yield _per_host(policy, policy.max_per_host, use, current)


def _leadership(policy: Policy, use: QueueUse, current: Snapshot) -> GateVerdict | None:
    leader = current.topology.leader
    there = use.by_instance.get(leader.name, 0) if leader else 0
    return leadership(policy, Usage(elsewhere=use.total - there), now())


def _order(job: Job) -> GateVerdict:
    """Let the job through if it is the first of its key and none of them is bound."""
    bound = Job.objects.bound().filter(queue=job.queue, key=job.key).order_by("pk").first()
    first = bound.pk if bound else head_of_key(job.queue, job.key)
    is_first = first == job.pk
    before = f"Job {first} of key {job.key} comes before it."
    return GateVerdict(
        gate="order",
        n=int(is_first),
        waiting=Waiting.KEY_ORDER,
        why=f"{Waiting.KEY_ORDER.sentence} {before}",
        fact=f"It is the first of key {job.key}." if is_first else before,
    )


def _per_key(job: Job, policy: Policy, limit: int, use: QueueUse) -> GateVerdict:
    used = use.by_key.get(job.key, 0)
    fact = f"{used} of {limit} at once of key {job.key} are bound or run."
    return GateVerdict(
        gate="key",
        n=limit - used,
        used=used,
        limit=limit,
        waiting=Waiting.KEY_LIMIT,
        why=f"{Waiting.KEY_LIMIT.sentence} {fact}",
        fact=fact,
        change=f"manage.py offload queues set {policy.name} --max-per-key N",
        purpose="To let more of a key run",
    )


def _turn(job: Job, policy: Policy) -> GateVerdict:
    """Say whose turn it is; that of each comes, so the gate is open."""
    at = Queue.objects.filter(name=policy.name).values_list("turn", flat=True).first()
    if policy.turns_by is TurnsBy.TOPICS:
        fact = "Topics take turns, one job each."
    else:
        weight = policy.keys.weight_of.get(job.key, 1)
        fact = f"Keys take turns; {job.key or 'jobs without a key'} gets {weight} in its turn."
    return GateVerdict(
        gate="turn",
        n=None,
        waiting=Waiting.QUEUE_LIMIT,
        why=fact,
        fact=f"{fact} The last one was {at}." if at else fact,
        change=f"manage.py offload queues set {policy.name} --weight KEY=N"
        if policy.turns_by is TurnsBy.KEYS
        else "",
    )


def _per_instance(policy: Policy, use: QueueUse, current: Snapshot) -> GateVerdict:
    """Let through what the instance with most room for the queue may have."""
    there = [
        (one.name, use.by_instance.get(one.name, 0), policy.limit_on(one.concurrency) or 0)
        for one in (*current.topology.live, *current.topology.remote)
    ]
    shown = ", ".join(f"{name} {used} of {limit}" for name, used, limit in there[:INSTANCES_SHOWN])
    return GateVerdict(
        gate="instance",
        n=max((limit - used for _, used, limit in there), default=0),
        waiting=Waiting.INSTANCE_LIMIT,
        why=f"{Waiting.INSTANCE_LIMIT.sentence} {shown}.",
        fact=f"Bound or running: {shown}." if shown else "No instance is here.",
        change=f"manage.py offload queues set {policy.name} --max-per-instance N",
        purpose="To let more run on an instance",
    )


def _per_host(policy: Policy, limit: int, use: QueueUse, current: Snapshot) -> GateVerdict:
    """Let through what the host with most room for the queue may have."""
    hosts: Counter[str] = Counter()
    for one in (*current.topology.live, *current.topology.remote):
        hosts[one.host] += use.by_instance.get(one.name, 0)
    shown = ", ".join(f"{name} {hosts[name]} of {limit}" for name in list(hosts)[:INSTANCES_SHOWN])
    return GateVerdict(
        gate="host",
        n=max((limit - used for used in hosts.values()), default=0),
        waiting=Waiting.HOST_LIMIT,
        why=f"{Waiting.HOST_LIMIT.sentence} {shown}.",
        fact=f"Bound or running, by host: {shown}." if shown else "No instance is here.",
        change=f"manage.py offload queues set {policy.name} --max-per-host N",
        purpose="To let more run on a host",
    )
