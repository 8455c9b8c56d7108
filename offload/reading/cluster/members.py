"""Instances with the topics that each may run now."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.placement.judgement import alive, judge_rules, switched_off
from offload.core.topics import examples
from offload.reading.cluster.lines import InstanceLine

if TYPE_CHECKING:
    from offload.core.placement.reasons import Reason
    from offload.core.placement.topology import InstanceInfo
    from offload.core.topics import Pattern
    from offload.reading.cluster.facts import ClusterFacts

#: Topics and patterns that a list names per instance.
TOPICS_NAMED_MAX = 4
#: Reasons that are told per topic or pattern.
REASONS_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """The age of an instance's last heartbeat."""

    #: Rounded up to whole heartbeats, so that a page of healthy instances stays as it is.
    seconds: int
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """A topic or pattern that an instance has a consumer for, and whether it may run it now."""

    pattern: str
    #: False if it may run none of its topics.
    may_run: bool
    #: False if it may not run all of its topics.
    is_whole: bool
    #: Why it may not run all of them; empty if it may.
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(InstanceLine):
    """One instance, with the topics that it may run."""

    #: One for each topic or pattern that it has a consumer for, by name.
    abilities: tuple[Ability, ...]
    #: None once the instance is gone and has no heartbeat.
    beat: Beat | None

    @property
    def able(self) -> tuple[Ability, ...]:
        """Return the topics and patterns that it may run now, wholly or partly."""
        return tuple(one for one in self.abilities if one.may_run)

    @property
    def unable(self) -> tuple[Ability, ...]:
        """Return the topics and patterns that it has a consumer for and may not run now."""
        return tuple(one for one in self.abilities if not one.may_run)

    @property
    def consumed(self) -> int:
        """Return how many topics and patterns it has a consumer for."""
        return len(self.abilities)

    @property
    def more(self) -> int:
        """Return how many topics and patterns it may run beyond those that a list names."""
        return max(0, len(self.able) - TOPICS_NAMED_MAX)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why it may not run all that it has consumers for, each reason once."""
        return tuple(dict.fromkeys(one.why for one in self.abilities if one.why))


def member(facts: ClusterFacts, instance: InstanceInfo) -> Member:
    """Return one instance of the cluster, which must be among the facts' known ones."""
    return facts.instance_line(
        instance, Member, abilities=abilities(facts, instance), beat=beat(facts, instance)
    )


def abilities(facts: ClusterFacts, instance: InstanceInfo) -> tuple[Ability, ...]:
    """Return the topics and patterns that the rules let the instance run; none if off or gone."""
    patterns = sorted({one.pattern for one in instance.consumers}, key=str)
    whole = (None if instance.is_live else alive(instance)) or switched_off(instance)
    if whole is not None:
        return tuple(_none(one, whole) for one in patterns)
    return tuple(_by_rules(facts, instance, one) for one in patterns)


def beat(facts: ClusterFacts, instance: InstanceInfo) -> Beat | None:
    """Return how long ago the instance's last heartbeat was; None if it is gone."""
    line = facts.lines.get(instance.name)
    if line is None or not instance.is_live:
        return None
    heartbeat = settings().heartbeat
    beats = max(1, math.ceil(line.beat_age / heartbeat))
    return Beat(seconds=math.ceil(beats * heartbeat), is_late=line.is_silent)


def _none(pattern: Pattern, reason: Reason) -> Ability:
    return Ability(pattern=pattern.text, may_run=False, is_whole=False, why=reason.detail)


def _by_rules(facts: ClusterFacts, instance: InstanceInfo, pattern: Pattern) -> Ability:
    """Judge the topics that stand for the pattern, and those of its topics that rules name."""
    rules = facts.ruling(instance)
    ruled = [one.pattern.text for one in rules if pattern.matches(one.pattern.text)]
    topics = dict.fromkeys([*examples(pattern.text), *ruled])
    found = [judge_rules(instance, one, rules, facts.now) for one in topics]
    against = dict.fromkeys(one.detail for one in found if one is not None)
    return Ability(
        pattern=pattern.text,
        may_run=None in found,
        is_whole=not against,
        why=" ".join(list(against)[:REASONS_SHOWN]),
    )
