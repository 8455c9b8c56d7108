"""The page of one instance: how it lives, what it may run and why, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.browser.cluster import fleet
from offload.browser.cluster.rule_status import Judged, judge
from offload.browser.values import shortened, text_of
from offload.core.states import JobState
from offload.models import Instance, Job

if TYPE_CHECKING:
    from datetime import datetime

    from offload.browser.cluster.fleet import Member
    from offload.core.placement.topology import InstanceInfo, RoutingRule
    from offload.reading.cluster import ClusterFacts

#: Topics, rules and jobs that are shown.
ROWS_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """A topic, or pattern, that the instance has a consumer for."""

    pattern: str
    task: str
    judged: Judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A job that is bound to the instance."""

    id: str
    topic: str
    state: JobState
    bound_at: datetime | None
    started_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstancePage:
    """Everything about one instance that its page shows."""

    member: Member
    consumed: tuple[Consumed, ...]
    #: Topics and patterns beyond those that are shown.
    more: int
    rules: tuple[RoutingRule, ...]
    jobs: tuple[Held, ...]
    #: Names and values as people read them.
    facts: tuple[tuple[str, str], ...]


def build(facts: ClusterFacts, name: str, *, heartbeat: float) -> InstancePage | None:
    """Return the page of an instance, or None where there is none of that name."""
    instance = facts.topology.instance(name)
    if instance is None or name not in facts.lines:
        return None
    consumers = {one.pattern.text: one.task for one in instance.consumers}
    return InstancePage(
        member=fleet.member(facts, instance, heartbeat=heartbeat),
        consumed=_consumed(facts, instance, consumers),
        more=max(0, len(consumers) - ROWS_SHOWN),
        rules=facts.ruling(instance)[:ROWS_SHOWN],
        jobs=_jobs(name),
        facts=_facts(name),
    )


def _consumed(
    facts: ClusterFacts, instance: InstanceInfo, consumers: dict[str, str]
) -> tuple[Consumed, ...]:
    rules = facts.ruling(instance)
    return tuple(
        Consumed(pattern=one, task=consumers[one], judged=judge(instance, one, rules, facts.now))
        for one in sorted(consumers)[:ROWS_SHOWN]
    )


def _jobs(name: str) -> tuple[Held, ...]:
    columns = ("pk", "topic", "state", "bound_at", "started_at")
    held = Job.objects.bound().filter(instance=name).order_by("state", "bound_at")
    return tuple(
        Held(id=key, topic=topic, state=JobState(state), bound_at=bound, started_at=started)
        for key, topic, state, bound, started in held.values_list(*columns)[:ROWS_SHOWN]
    )


def _facts(name: str) -> tuple[tuple[str, str], ...]:
    found: Any = Instance.objects.filter(pk=name).values_list("facts", flat=True).first()
    if not isinstance(found, dict):
        return ()
    return tuple((str(key), _plain(value)) for key, value in sorted(found.items()))


def _plain(value: Any) -> str:
    return shortened(value) if isinstance(value, str) else text_of(value)
