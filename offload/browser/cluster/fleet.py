"""The page of all instances: how they live, what they hold, what they consume."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from offload.browser.cluster.look import ListPage, Look
from offload.core.placement.judgement import judge_rules
from offload.core.placement.topology import Mode
from offload.core.texts import version_of as digest
from offload.core.topics import examples
from offload.reading.instance_rows import LATE_HEARTBEATS
from offload.reading.lines import InstanceLine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from offload.core.placement.topology import InstanceInfo, RoutingRule
    from offload.core.topics import Pattern
    from offload.reading.cluster import ClusterFacts

#: Instances of a page.
PAGE_INSTANCES = 25
#: Topics and patterns that the list names of each.
NAMED_TOPICS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """How long ago an instance gave a sign of life."""

    #: Rounded up to whole heartbeats, so that a page of healthy instances stays as it is.
    seconds: int
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Able:
    """A topic or pattern, or a part of it, that an instance may run now."""

    pattern: str
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(InstanceLine):
    """One instance, with what it may run."""

    #: What it may run now.
    able: tuple[Able, ...]
    #: How many topics and patterns it has a consumer for.
    consumed: int
    #: None for one that is gone: it beats no more.
    beat: Beat | None

    @property
    def more(self) -> int:
        """Return how many topics and patterns it may run beyond those a list names."""
        return max(0, len(self.able) - NAMED_TOPICS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The page: instances, in the order they joined; those that are gone come last."""

    look: Look
    part: ListPage[InstanceInfo]
    members: tuple[Member, ...]
    #: Of all there are, whichever are looked at.
    ready: int
    live: int
    version: str


def build(facts: ClusterFacts, *, heartbeat: float, look: Look | None = None) -> Fleet:
    """Make the page of the facts; `heartbeat` is the time between two beats in seconds."""
    look = look or Look()
    here = facts.topology.live
    part = ListPage.of(_ordered(facts, look, heartbeat), page=look.page, size=PAGE_INSTANCES)
    return Fleet(
        look=look,
        part=part,
        members=tuple(member(facts, one, heartbeat=heartbeat) for one in part.shown),
        ready=facts.ready,
        live=len(here),
        version=version_of(facts, heartbeat=heartbeat),
    )


def version_of(facts: ClusterFacts, *, heartbeat: float) -> str:
    """Return a text that differs where the page does; one that is late stays as late as it is."""
    beats = [_beat_of(facts, one, heartbeat) for one in facts.topology.live]
    shown = [beat and (beat.is_late or beat.seconds) for beat in beats]
    return digest((facts.version, shown))


def _ordered(facts: ClusterFacts, look: Look, heartbeat: float) -> list[InstanceInfo]:
    found = look.narrowed(facts.known, partial(_words, facts))
    if look.problems:
        found = [one for one in found if _has_problem(facts, one, heartbeat)]
    return sorted(found, key=lambda one: (not one.is_live, one.joined))


def _words(facts: ClusterFacts, instance: InstanceInfo) -> list[str]:
    consumed = [one.pattern.text for one in instance.consumers]
    return [instance.name, facts.lines[instance.name].host, *instance.labels, *consumed]


def _has_problem(facts: ClusterFacts, instance: InstanceInfo, heartbeat: float) -> bool:
    if not instance.is_live:
        return not instance.said_goodbye
    beat = _beat_of(facts, instance, heartbeat)
    is_late = beat is not None and beat.is_late
    waits = instance.mode is not Mode.READY or instance.is_off
    return waits or is_late or instance.name in facts.behind


def member(facts: ClusterFacts, instance: InstanceInfo, *, heartbeat: float) -> Member:
    """Return what is shown of an instance."""
    return facts.instance_line(
        instance,
        Member,
        able=_able(facts, instance),
        consumed=len({one.pattern.text for one in instance.consumers}),
        beat=_beat_of(facts, instance, heartbeat),
    )


def _able(facts: ClusterFacts, instance: InstanceInfo) -> tuple[Able, ...]:
    """Return what the instance may run now by the rules, and nothing while it is off or gone."""
    if instance.is_off or not instance.is_live:
        return ()
    rules = facts.ruling(instance)
    patterns = sorted({one.pattern for one in instance.consumers}, key=str)
    judged = [(one, _share(one, instance, rules, facts.now)) for one in patterns]
    return tuple(Able(pattern=one.text, is_whole=share == 1) for one, share in judged if share)


def _share(
    pattern: Pattern, instance: InstanceInfo, rules: Sequence[RoutingRule], now: datetime
) -> float:
    """Return 1 where the rules let it run all topics of a pattern, 0 where none, else between."""
    kept = [judge_rules(instance, one, rules, now) is None for one in examples(pattern.text)]
    inside = [one for one in rules if one.pattern != pattern and pattern.matches(one.pattern.text)]
    kept += [judge_rules(instance, one.pattern.text, rules, now) is None for one in inside]
    return sum(kept) / len(kept)


def _beat_of(facts: ClusterFacts, instance: InstanceInfo, heartbeat: float) -> Beat | None:
    line = facts.lines.get(instance.name)
    return _beat(line.beat_age, heartbeat) if line and instance.is_live else None


def _beat(age: float, heartbeat: float) -> Beat:
    beats = max(1, math.ceil(age / heartbeat))
    return Beat(seconds=math.ceil(beats * heartbeat), is_late=beats > LATE_HEARTBEATS)
