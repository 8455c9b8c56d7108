"""The least change of rules, switches and limits that would place the waiting jobs of a topic."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from shlex import quote
from typing import TYPE_CHECKING

from offload.core.placement.judgement import consumer_for, obstacle_to
from offload.core.placement.planning import applicable, plan
from offload.core.placement.topology import RuleVerb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from offload.core.admission.gates import GateVerdict
    from offload.core.placement.judgement import Need
    from offload.core.placement.topology import InstanceInfo, RoutingRule, Topology

COMMAND = "manage.py offload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Changes that together would place the waiting jobs of a topic, fewest first."""

    # Commands, in the order in which to give them.
    commands: tuple[str, ...]
    # The instance that could run the jobs then; empty if some can already.
    instance: str = ""
    # The number of waiting jobs; limits are raised by so many.
    jobs: int = 1

    @property
    def sentence(self) -> str:
        """Return it as a sentence."""
        jobs = "To place it" if self.jobs == 1 else f"To place the {self.jobs} waiting jobs"
        where = f" at {self.instance}" if self.instance else ""
        return f"{jobs}{where}: {', then: '.join(self.commands)}"

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {"commands": list(self.commands), "instance": self.instance, "jobs": self.jobs}


def suggest(
    need: Need, topology: Topology, now: datetime, gates: Sequence[GateVerdict], jobs: int = 1
) -> Suggestion | None:
    """Return the fewest changes after which the waiting jobs would have an instance and begin.

    None if nothing holds them that a rule, a switch or a limit says, or if no such change is
    enough. `gates` are those of their queue and their resources; `jobs` is how many wait.
    """
    instance, commands = "", list[str]()
    if not plan(need, topology, now).candidates:
        found = min(_openings(need, topology, now), default=None)
        if found is None:
            return None
        instance, commands = found.instance, list(found.commands)
    closed = [one for one in gates if not one.is_open]
    if any(not one.change for one in closed):
        # Such as the order of its queue: only time opens it.
        return None
    commands += dict.fromkeys(one.raised(jobs) for one in closed)
    return Suggestion(commands=tuple(commands), instance=instance, jobs=jobs) if commands else None


@dataclass(frozen=True, slots=True, order=True)
class _Opening:
    """The commands that let one instance run a topic; the least one changes least."""

    count: int
    # How many instances the changed rules name.
    reach: int
    is_remote: bool
    instance: str
    commands: tuple[str, ...]


def _openings(need: Need, topology: Topology, now: datetime) -> Iterator[_Opening]:
    """Yield the commands for each instance that could run the job but for rules and switches."""
    rules = applicable(topology.rules_in(topology.period(now)), topology.everyone)
    reaches = Counter(rule.id for mine in rules for rule in mine)
    for instance, mine in zip(topology.everyone, rules, strict=True):
        if _could(need, instance):
            commands = tuple(_commands(need.topic, instance, mine))
            reach = sum(reaches[one.id] for one in _denials(need.topic, mine))
            yield _Opening(len(commands), reach, instance.is_remote, instance.name, commands)


def _could(need: Need, instance: InstanceInfo) -> bool:
    """Tell whether an instance would run the job without any rule and switch."""
    consumer = consumer_for(instance, need.topic)
    if consumer is None:
        return False
    free = replace(instance, is_off=False) if instance.is_off else instance
    return obstacle_to(need, free, consumer, ()) is None


def _denials(topic: str, rules: Sequence[RoutingRule]) -> list[RoutingRule]:
    return [one for one in rules if one.verb is RuleVerb.DENY and one.pattern.matches(topic)]


def _commands(topic: str, instance: InstanceInfo, rules: Sequence[RoutingRule]) -> Iterator[str]:
    """Yield the commands that together let an instance run a topic; each of them is needed."""
    if instance.is_off:
        yield f"{COMMAND} on {quote(instance.name)}"
    for rule in _denials(topic, rules):
        yield f"{COMMAND} clear {rule.id}"
    allows = [one for one in rules if one.verb is RuleVerb.ALLOW]
    if allows and not any(one.pattern.matches(topic) for one in allows):
        yield f"{COMMAND} allow {quote(instance.name)} {quote(topic)}"
