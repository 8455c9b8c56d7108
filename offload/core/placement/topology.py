"""The frozen picture of all instances and rules at one moment."""

from __future__ import annotations

import enum
from bisect import bisect_right
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from offload.core.topics import Pattern
    from offload.core.validation.parameters import Parameters

# What this code writes into messages and announcements.
PROTOCOL_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A Celery task bound to a pattern."""

    pattern: Pattern
    task: str
    # Decides between consumers of one pattern; the greater wins.
    ranking: int = 0
    # Its task has time limits, which the pool must be able to enforce.
    limit: bool = False
    # Its task wants no results kept in Celery's backend.
    is_silent: bool = False
    # By which names it takes properties; None where it does not say.
    parameters: Parameters | None = None


class Mode(enum.StrEnum):
    """How an instance lives."""

    # It announced itself, and its consumer does not run yet.
    STARTING = "starting"
    # It takes work.
    READY = "ready"
    # It ends what runs and takes nothing new.
    DRAINING = "draining"
    # Its broker connection is lost.
    RECONNECTING = "reconnecting"
    # Its beat is late, or its consumer loop stands still.
    SUSPECT = "suspect"
    # It said goodbye, or was declared gone.
    GONE = "gone"


class RuleVerb(enum.StrEnum):
    """The effect of a rule on its pattern."""

    ALLOW = "allow"
    DENY = "deny"


class Scope(enum.StrEnum):
    """How a rule names the instances it is for."""

    # By nodename.
    INSTANCE = "instance"
    # By a glob of nodenames.
    GLOB = "glob"
    # By a label that instances carry.
    LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceInfo:
    """One incarnation of a Celery worker node."""

    name: str
    incarnation: str
    cluster: str
    mode: Mode
    consumers: tuple[Consumer, ...]
    # Jobs it runs at once.
    concurrency: int
    # Jobs it may hold at once, running and bound.
    window: int
    # The name of its instance queue, which is its routing key too.
    queue: str
    can_kill: bool
    can_limit: bool
    protocol: int
    # Its place in the order of joining.
    joined: int
    # Switched off as a whole by an operator.
    is_off: bool = False
    # Why it was switched off.
    off_note: str = ""
    is_leader: bool = False
    said_goodbye: bool = False
    labels: frozenset[str] = frozenset()
    # Task names it refused too often.
    broken: frozenset[str] = frozenset()
    # What it announced of its machine.
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def is_live(self) -> bool:
        """Tell whether it is not gone."""
        return self.mode is not Mode.GONE


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingRule:
    """An allow or a deny of a pattern on some instances."""

    id: int
    verb: RuleVerb
    scope: Scope
    target: str
    pattern: Pattern
    # The moment it ends by itself.
    until: datetime | None = None
    # Why it was made, for those who wonder.
    note: str = ""
    # The moment from which it holds again: an allow of the same lifts this deny till then.
    rests_until: datetime | None = None

    def applies_to(self, instance: InstanceInfo) -> bool:
        """Tell whether the instance is among those it names."""
        return self.names(instance.name, instance.labels)

    def names(self, name: str, labels: Collection[str]) -> bool:
        """Tell whether it names an instance of this name, with these labels."""
        if self.scope is Scope.INSTANCE:
            return self.target == name
        if self.scope is Scope.LABEL:
            return self.target in labels
        return fnmatchcase(name, self.target)

    def in_force(self, now: datetime) -> bool:
        """Tell whether it neither rests nor has ended."""
        rests = self.rests_until is not None and now < self.rests_until
        return not rests and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """All instances and rules, and the version under which they were read."""

    version: int
    instances: tuple[InstanceInfo, ...] = ()
    rules: tuple[RoutingRule, ...] = ()
    # The moments at which a rule ends, or holds again, in order.
    turns: tuple[datetime, ...] = field(init=False, repr=False, compare=False)
    _by_name: Mapping[str, InstanceInfo] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        turns = {at for rule in self.rules for at in (rule.until, rule.rests_until) if at}
        object.__setattr__(self, "turns", tuple(sorted(turns)))
        object.__setattr__(self, "_by_name", {one.name: one for one in self.instances})

    def __hash__(self) -> int:
        # The version stands for the content here; equality still compares all of it.
        return hash(self.version)

    @property
    def live(self) -> tuple[InstanceInfo, ...]:
        """Return the instances that are not gone."""
        return tuple(one for one in self.instances if one.is_live)

    @property
    def leader(self) -> InstanceInfo | None:
        """Return the live instance that leads, if one does."""
        return next((one for one in self.instances if one.is_leader and one.is_live), None)

    def instance(self, name: str) -> InstanceInfo | None:
        """Return the instance of that name, or None."""
        return self._by_name.get(name)

    def period(self, now: datetime) -> int:
        """Return the number of the period `now` is in: no rule ends or returns within one."""
        return bisect_right(self.turns, now)

    def rules_in(self, period: int) -> tuple[RoutingRule, ...]:
        """Return the rules in force in that period."""
        if period == 0:
            return tuple(rule for rule in self.rules if rule.rests_until is None)
        begin = self.turns[period - 1]
        return tuple(rule for rule in self.rules if rule.in_force(begin))

    def end_of(self, period: int) -> datetime | None:
        """Return the moment at which the period ends, or None if it does not."""
        return self.turns[period] if period < len(self.turns) else None
