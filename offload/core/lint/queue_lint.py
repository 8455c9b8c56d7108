"""Queues that no job comes to, and limits that are never reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.lint.problems import Problem, ProblemKind
from offload.core.matching.rescue import Rescue
from offload.core.policies import QueueType
from offload.core.texts import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from offload.core.placement.topology import InstanceInfo, Topology
    from offload.core.policies import Policy
    from offload.core.topics import Pattern

# Names in a sentence.
MOST_NAMED = 3


def unmatched(policies: Sequence[Policy], topology: Topology) -> Iterator[Problem]:
    """Yield queues none of whose topics a known instance consumes."""
    for policy in policies:
        if topology.everyone and not _consuming(policy, topology.everyone):
            yield Problem(
                kind=ProblemKind.QUEUE_UNMATCHED,
                subject=policy.name,
                fact=f"No known instance consumes a topic of queue {policy.name}.",
                next_step="Look at its patterns: manage.py offload queues",
            )


def shadowed(policies: Sequence[Policy]) -> Iterator[Problem]:
    """Yield patterns of queues all whose topics another queue takes."""
    for policy in policies:
        for pattern in policy.patterns:
            winner = next((one for one in policies if _takes(one, policy, pattern)), None)
            if winner is not None:
                yield Problem(
                    kind=ProblemKind.QUEUE_SHADOWED,
                    subject=policy.name,
                    fact=f"Queue {policy.name} never gets a job of {pattern}: "
                    f"queue {winner.name} takes them all.",
                    next_step=f"Raise the ranking of {policy.name}, or take the pattern out of it.",
                )


def unused_limits(policies: Sequence[Policy], topology: Topology) -> Iterator[Problem]:
    """Yield limits that are not below what the instances can run at once."""
    for policy in policies:
        live = [one for one in topology.everyone if one.is_live]
        able = _consuming(policy, live)
        most = sum(one.concurrency for one in able)
        limit = policy.max_parallel
        if able and policy.type is QueueType.UNORDERED and limit is not None and limit >= most:
            runners = counted(len(able), "instance", "instances")
            yield Problem(
                kind=ProblemKind.LIMIT_UNUSED,
                subject=policy.name,
                fact=f"The limit of {limit} of queue {policy.name} is never reached: the {runners} "
                f"with consumers for it can run {most} at once.",
                next_step="Lower it, or take it off: each limit costs a lock when jobs are bound.",
            )


def unused_escalations(policies: Sequence[Policy], topology: Topology) -> Iterator[Problem]:
    """Yield queues whose ``retry_with`` names what neither they nor their consumers require."""
    for policy in policies:
        if not policy.escalation:
            continue
        able = _consuming(policy, topology.everyone)
        theirs = [one.requires for each in able for one in each.consumers]
        if names := policy.escalation.missing([policy.requires, *theirs]):
            yield Problem(
                kind=ProblemKind.ESCALATION_UNUSED,
                subject=policy.name,
                fact=f"Queue {policy.name} raises {listed(names, MOST_NAMED)} after a failure, "
                "and nothing but a job of its own could require a least number of it.",
                next_step=f"To require one: manage.py offload queues set {policy.name} "
                f"--require '{names[0]}>=1'",
            )


def unable_leaders(policies: Sequence[Policy], topology: Topology) -> Iterator[Problem]:
    """Yield queues for the leader alone that some live instance of the own cluster cannot run."""
    for policy in policies:
        able = _consuming(policy, topology.live) if policy.leader_only else ()
        unable = [one.name for one in topology.live if one not in able]
        if policy.leader_only and unable:
            yield Problem(
                kind=ProblemKind.LEADER_UNABLE,
                subject=policy.name,
                fact=f"The leader alone runs queue {policy.name}, and {listed(unable, MOST_NAMED)} "
                "could not: while it leads, the jobs wait.",
                next_step="Give each instance a consumer of its topics, or let all run it: "
                f"manage.py offload queues set {policy.name} --no-leader-only",
            )


def lonely_rescues(policies: Sequence[Policy], topology: Topology) -> Iterator[Problem]:
    """Yield queues whose lost jobs are to run elsewhere, and have nowhere else to run."""
    for policy in policies:
        if policy.rescue.where is not Rescue.ELSEWHERE:
            continue
        able = _consuming(policy, [one for one in topology.everyone if one.is_live])
        if len(able) == 1:
            yield Problem(
                kind=ProblemKind.RESCUE_ALONE,
                subject=policy.name,
                fact=f"What queue {policy.name} loses is to run elsewhere, and only {able[0].name} "
                "has consumers for it: it runs there again.",
                next_step="Start another worker with these consumers.",
            )


def _takes(other: Policy, policy: Policy, pattern: Pattern) -> bool:
    """Tell whether the other queue gets every topic of a pattern of this one."""
    if other.name == policy.name:
        return False
    covering = [one for one in other.patterns if one.covers(pattern)]
    if other.ranking != policy.ranking:
        return other.ranking > policy.ranking and bool(covering)
    return pattern in covering and other.name < policy.name


def _consuming(policy: Policy, instances: Sequence[InstanceInfo]) -> list[InstanceInfo]:
    """Return the instances that consume a topic of the queue; each pattern is compared once."""
    known = {consumer.pattern for one in instances for consumer in one.consumers}
    mine = {one for one in known if any(one.overlaps(pattern) for pattern in policy.patterns)}
    return [one for one in instances if any(consumer.pattern in mine for consumer in one.consumers)]
