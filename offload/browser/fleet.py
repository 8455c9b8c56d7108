"""The page of all instances: how they live, what they hold, what they consume."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.topology import Mode

if TYPE_CHECKING:
    from datetime import datetime

    from offload.browser.facts import Facts, Line
    from offload.core.topology import Instance

#: Heartbeats after which a beat counts as late.
LATE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """How long ago an instance gave a sign of life."""

    #: Rounded up to whole heartbeats, so that a page of healthy instances stays as it is.
    seconds: int
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One instance."""

    name: str
    mode: Mode
    is_off: bool
    is_leader: bool
    cluster: str
    labels: tuple[str, ...]
    topics: tuple[str, ...]
    running: int
    concurrency: int
    bound: int
    window: int
    host: str
    pid: int
    started_at: datetime
    #: None for one that is gone: it beats no more.
    beat: Beat | None
    gone_because: str

    @property
    def is_gone(self) -> bool:
        """Tell whether it said goodbye or was declared gone."""
        return self.mode is Mode.GONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The page: all instances, in the order they joined; those that are gone come last."""

    members: tuple[Member, ...]

    @property
    def ready(self) -> int:
        """Return how many take work."""
        return sum(one.mode is Mode.READY and not one.is_off for one in self.members)

    @property
    def live(self) -> int:
        """Return how many are not gone."""
        return sum(not one.is_gone for one in self.members)


def build(facts: Facts, *, heartbeat: float) -> Fleet:
    """Make the page of the facts; `heartbeat` is the time between two beats in seconds."""
    known = [one for one in facts.topology.instances if one.name in facts.lines]
    ordered = sorted(known, key=lambda one: (not one.is_live, one.joined))
    members = (_member(facts, one, facts.lines[one.name], heartbeat) for one in ordered)
    return Fleet(members=tuple(members))


def _member(facts: Facts, instance: Instance, line: Line, heartbeat: float) -> Member:
    return Member(
        name=instance.name,
        mode=instance.mode,
        is_off=instance.is_off,
        is_leader=instance.is_leader and instance.is_live,
        cluster=instance.cluster,
        labels=tuple(sorted(instance.labels)),
        topics=tuple(sorted({one.pattern.text for one in instance.consumers})),
        running=facts.counts.running_on(instance.name),
        concurrency=instance.concurrency,
        bound=facts.counts.bound_to(instance.name),
        window=instance.window,
        host=line.host,
        pid=line.pid,
        started_at=line.started_at,
        beat=_beat(line.beat_age, heartbeat) if instance.is_live else None,
        gone_because=line.gone_because,
    )


def _beat(age: float, heartbeat: float) -> Beat:
    beats = max(1, math.ceil(age / heartbeat))
    return Beat(seconds=math.ceil(beats * heartbeat), is_late=beats > LATE)
