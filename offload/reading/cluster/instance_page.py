"""The facts on the page of one instance: its health, what it may run and why, the jobs it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.timezone import localtime

from offload.core.placement.rule_status import RuleStatus, judge
from offload.core.placement.topology import Mode
from offload.core.states import JobState
from offload.core.texts import counted
from offload.fleet.snapshots import snapshot
from offload.models import Job
from offload.reading.cluster.members import member

if TYPE_CHECKING:
    from datetime import datetime

    from offload.core.placement.reservations import Reserved
    from offload.core.placement.topology import InstanceInfo, RoutingRule
    from offload.reading.cluster.facts import ClusterFacts
    from offload.reading.cluster.lines import InstanceLine
    from offload.reading.cluster.members import Ability, Member

#: Topics, rules and jobs that are shown.
ROWS_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """A topic, or pattern, that the instance has a consumer for."""

    pattern: str
    task: str
    #: Whether it may run it; Mode.GONE if the instance is gone.
    status: RuleStatus | Mode
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A job that is bound to the instance."""

    id: str
    topic: str
    state: JobState
    bound_at: datetime | None
    started_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A property that the instance announced."""

    name: str
    #: A JSON value; None too if it has none yet.
    value: Any
    #: Why it is not renewed; empty if it is.
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstancePage:
    """The facts on the page of one instance."""

    member: Member
    consumed: tuple[Consumed, ...]
    #: How many topics and patterns there are beyond those shown.
    more: int
    rules: tuple[RoutingRule, ...]
    jobs: tuple[Held, ...]
    properties: tuple[Property, ...]
    #: Sentences on places that jobs have which take several, or that are kept for them.
    reserved: tuple[str, ...] = ()


def page(facts: ClusterFacts, name: str) -> InstancePage | None:
    """Return the page of an instance, or None if no instance has that name."""
    instance = facts.topology.instance(name)
    if instance is None or name not in facts.lines:
        return None
    found = member(facts, instance)
    return InstancePage(
        member=found,
        consumed=_consumed(facts, instance, found.abilities[:ROWS_SHOWN]),
        more=max(0, found.consumed - ROWS_SHOWN),
        rules=facts.ruling(instance)[:ROWS_SHOWN],
        jobs=jobs_at(name),
        properties=_properties(found),
        reserved=tuple(_reserved(one) for one in snapshot().reservations if one.instance == name),
    )


def _reserved(one: Reserved) -> str:
    places = counted(one.places, "place", "places")
    if one.job:
        return f"Job {one.job} of {one.lane.topic} takes {places} of it."
    until = f"{localtime(one.until):%Y-%m-%d %H:%M:%S}" if one.until else ""
    if one.rests:
        return f"{places} were kept free in vain for a job of {one.lane.topic}: again at {until}."
    return f"It gets nothing new until {until}: {places} are kept for a job of {one.lane.topic}."


def _consumed(
    facts: ClusterFacts, instance: InstanceInfo, abilities: tuple[Ability, ...]
) -> tuple[Consumed, ...]:
    tasks = {one.pattern.text: one.task for one in instance.consumers}
    return tuple(_line(facts, instance, one, tasks[one.pattern]) for one in abilities)


def _line(facts: ClusterFacts, instance: InstanceInfo, ability: Ability, task: str) -> Consumed:
    """Return the line of a topic; where only a rule for some of a pattern bites, say so."""
    judged = judge(instance, ability.pattern, facts.ruling(instance), facts.now)
    status: RuleStatus | Mode = judged.status
    if not instance.is_live:
        status = Mode.GONE
    elif ability.may_run and not ability.is_whole:
        status = RuleStatus.PARTLY
    return Consumed(
        pattern=ability.pattern, task=task, status=status, why=ability.why or judged.why
    )


def jobs_at(name: str) -> tuple[Held, ...]:
    """Return the jobs that are bound to an instance, those that run first."""
    columns = ("pk", "topic", "state", "bound_at", "started_at")
    held = Job.objects.bound().filter(instance=name).order_by("state", "bound_at")
    return tuple(
        Held(id=key, topic=topic, state=JobState(state), bound_at=bound, started_at=started)
        for key, topic, state, bound, started in held.values_list(*columns)[:ROWS_SHOWN]
    )


def _properties(line: InstanceLine) -> tuple[Property, ...]:
    return tuple(
        Property(
            name=one, value=line.properties.get(one), problem=line.failing_properties.get(one, "")
        )
        for one in sorted({*line.properties, *line.failing_properties})
    )
