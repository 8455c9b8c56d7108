"""Which jobs are left to an agent, and which agents can be woken for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from offload.core.admission.submit_paths import SubmitPath, Wakeable, submit_path, wakeable
from offload.core.matching.amounts import Amounts
from offload.core.matching.consumers import Consumer
from offload.core.placement.planning import Group, Plan
from offload.core.placement.routing import Candidate, Need
from offload.core.placement.topology import InstanceInfo, Mode
from offload.core.policies import DEFAULT_POLICY, Policy, QueueType
from offload.core.topics import Pattern

HOST = "here"
AGENTS = Wakeable(near=("one",))
CONSUMER = Consumer(pattern=Pattern.parse("a"), task="a")


def path(policy: Policy = DEFAULT_POLICY, **facts: Any) -> SubmitPath:
    """Return the path of a job that is plain but for these facts."""
    usual: dict[str, Any] = {"is_on": True, "is_plain": True, "agents": AGENTS}
    return submit_path(policy=policy, **{**usual, **facts})


def test_a_plain_job_is_left_to_an_agent() -> None:
    assert path() is SubmitPath.WAKE
    assert path(agents=Wakeable(far=("one",))) is SubmitPath.WAKE


@pytest.mark.parametrize("facts", [{"is_on": False}, {"is_plain": False}, {"agents": Wakeable()}])
def test_whoever_submits_binds_what_is_not_plain_and_what_nobody_is_woken_for(
    facts: dict[str, Any],
) -> None:
    assert path(**facts) is SubmitPath.BIND


@pytest.mark.parametrize(
    "facts",
    [
        {"max_parallel": 2},
        {"type": QueueType.ORDERED},
        {"max_per_instance": 1.0},
        {"suspended": True},
        {"drains": True},
        {"leader_only": True},
        {"resources": Amounts.of({"maya": 1})},
    ],
)
def test_jobs_of_queues_that_count_or_wait_are_bound_by_who_submits_them(
    facts: dict[str, Any],
) -> None:
    assert path(replace(DEFAULT_POLICY, **facts)) is SubmitPath.BIND


def instance(name: str, *, peer: str = "", **properties: Any) -> InstanceInfo:
    """Return an instance that announces these properties."""
    return InstanceInfo(
        name=name, incarnation=f"of {name}", cluster="c", mode=Mode.READY, consumers=(CONSUMER,),
        concurrency=1, window=2, queue=name, can_kill=True, can_limit=True, protocol=1, joined=1,
        peer=peer, properties=properties,
    )  # fmt: skip


def planned(*instances: InstanceInfo) -> Plan:
    """Return a plan with these candidates."""
    return Plan(
        need=Need(topic="a"), candidates=tuple(
            Candidate(instance=one, consumer=CONSUMER) for one in instances
        ), group=Group(instances), instances=instances, verdicts=(), until=None,
    )  # fmt: skip


def test_agents_are_woken_on_the_own_host_and_elsewhere_by_the_database() -> None:
    plan = planned(
        instance("a", host=HOST, wakeups="local"),
        instance("b", host=HOST, wakeups="notify"),
        instance("c", host="there", wakeups="notify"),
        instance("d", host="there", wakeups="local"),
        instance("e", host=HOST, wakeups="none"),
        instance("f", host=HOST),
        instance("p/g", host=HOST, wakeups="notify", peer="p"),
    )

    assert wakeable(plan, HOST, notifies=True) == Wakeable(("of a", "of b"), ("of b", "of c"))
    assert wakeable(plan, HOST, notifies=False) == Wakeable(("of a", "of b"))
    assert not wakeable(plan, "elsewhere", notifies=False)
