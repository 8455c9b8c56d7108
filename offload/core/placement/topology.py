"""The topology: a frozen snapshot of all instances and rules."""

from __future__ import annotations

import enum
from bisect import bisect_right
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from offload.core.matching.consumers import Consumer
    from offload.core.placement.instance_conditions import SwitchFacts
    from offload.core.topics import Pattern

# The version that this code writes into messages and announcements.
PROTOCOL_VERSION = 1


class Mode(enum.StrEnum):
    """The mode of an instance."""

    # It announced itself, but its consumer does not run yet.
    STARTING = "starting"
    # It takes work.
    READY = "ready"
    # It finishes its running jobs and takes nothing new.
    DRAINING = "draining"
    # Its broker connection is lost.
    RECONNECTING = "reconnecting"
    # Its heartbeat is late, or its consumer loop hangs.
    SUSPECT = "suspect"
    # It said goodbye or was declared gone.
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
    # The number of jobs that it runs at once.
    concurrency: int
    # The number of jobs that it may hold, running and bound.
    window: int
    # The name of its instance queue, which is also its routing key.
    queue: str
    can_kill: bool
    can_limit: bool
    protocol: int
    # Its place in the order of joining.
    joined: int
    # Whether an operator has switched it off as a whole.
    is_off: bool = False
    # Why it was switched off.
    off_note: str = ""
    # The facts of that switch, where they are known.
    switch: SwitchFacts | None = None
    # Why it is suspect, if it is; a `Trouble`.
    trouble: str = ""
    # Since when it is in its mode, by the database's clock.
    mode_at: datetime | None = None
    # The remedy of its trouble, as sentences.
    remedy: str = ""
    is_leader: bool = False
    said_goodbye: bool = False
    labels: frozenset[str] = frozenset()
    # Task names it refused too often.
    broken: frozenset[str] = frozenset()
    # The cluster that it is in; empty for the own one. The name then begins with it and a slash.
    peer: str = ""
    # Whether that cluster is silent, or has not acknowledged yet what was taken back meanwhile.
    is_silent: bool = False
    # The topics that may be sent there.
    sends: tuple[Pattern, ...] = ()
    # The topics that are sent there as steps of a whole run only.
    sends_whole: tuple[Pattern, ...] = ()
    # Why sending there is switched off; empty if it is not.
    send_off: str = ""
    # Whether that cluster says that it takes jobs.
    is_accepting: bool = True
    # Whether what is bound there stays: moving away from there is switched off.
    stays: bool = False
    # The transports by which files may travel there: allowed here, and known there.
    transports: tuple[str, ...] = ()
    # The job that places are kept free for, in words, and until when; empty if there is none.
    kept_for: str = ""
    kept_until: datetime | None = None
    # The announced properties of its machine.
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def is_remote(self) -> bool:
        """Tell whether it is in another cluster."""
        return bool(self.peer)

    @property
    def nodename(self) -> str:
        """Return its name within its cluster."""
        return self.name.removeprefix(f"{self.peer}/") if self.peer else self.name

    @property
    def host(self) -> str:
        """Return the host that it runs on, as far as it is known."""
        return str(self.properties.get("host") or self.nodename.rpartition("@")[2])

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
    # The time at which it ends by itself.
    until: datetime | None = None
    # Why it was made, for people.
    note: str = ""
    # The time at which it is in force again; until then, an allow lifts this deny.
    rests_until: datetime | None = None

    @property
    def title(self) -> str:
        """Return its name in sentences; that of another cluster has no number here."""
        return f"Rule {self.id}" if self.id else "A rule there"

    def applies_to(self, instance: InstanceInfo) -> bool:
        """Tell whether the rule names the instance."""
        return self.names(instance.name, instance.labels)

    def names(self, name: str, labels: Collection[str]) -> bool:
        """Tell whether the rule names an instance of this name with these labels."""
        if self.scope is Scope.INSTANCE:
            return self.target == name
        if self.scope is Scope.LABEL:
            return self.target in labels
        return fnmatchcase(name, self.target)

    def in_force(self, now: datetime) -> bool:
        """Tell whether it neither rests nor has ended at this time."""
        rests = self.rests_until is not None and now < self.rests_until
        return not rests and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """All instances and rules of one version."""

    version: int
    # Those of the own cluster.
    instances: tuple[InstanceInfo, ...] = ()
    rules: tuple[RoutingRule, ...] = ()
    # Those of other clusters.
    remote: tuple[InstanceInfo, ...] = ()
    # All of them, the own ones first.
    everyone: tuple[InstanceInfo, ...] = field(init=False, repr=False, compare=False)
    # The times at which a rule ends, or is in force again, in order.
    turns: tuple[datetime, ...] = field(init=False, repr=False, compare=False)
    _by_name: Mapping[str, InstanceInfo] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        turns = {at for rule in self.rules for at in (rule.until, rule.rests_until) if at}
        object.__setattr__(self, "turns", tuple(sorted(turns)))
        object.__setattr__(self, "everyone", (*self.instances, *self.remote))
        by_name = {one.name: one for one in (*self.remote, *self.instances)}
        object.__setattr__(self, "_by_name", by_name)

    def __hash__(self) -> int:
        # The version is enough for a hash; equality still compares the content.
        return hash(self.version)

    @property
    def live(self) -> tuple[InstanceInfo, ...]:
        """Return the instances of the own cluster that are not gone."""
        return tuple(one for one in self.instances if one.is_live)

    @property
    def present(self) -> tuple[InstanceInfo, ...]:
        """Return the live instances of the own cluster, then those of other clusters."""
        return (*self.live, *self.remote)

    @property
    def leader(self) -> InstanceInfo | None:
        """Return the live instance that leads, or None."""
        return next((one for one in self.instances if one.is_leader and one.is_live), None)

    def instance(self, name: str) -> InstanceInfo | None:
        """Return the instance of that name, or None."""
        return self._by_name.get(name)

    def beside(self, instance: InstanceInfo) -> frozenset[str]:
        """Return the names of all instances on the host of one, itself too."""
        return frozenset({one.name for one in self.everyone if one.host == instance.host})

    def period(self, now: datetime) -> int:
        """Return the number of the period of `now`; no rule ends or returns within a period."""
        return bisect_right(self.turns, now)

    def rules_in(self, period: int) -> tuple[RoutingRule, ...]:
        """Return the rules in force in that period."""
        if period == 0:
            return tuple(rule for rule in self.rules if rule.rests_until is None)
        begin = self.turns[period - 1]
        return tuple(rule for rule in self.rules if rule.in_force(begin))

    def end_of(self, period: int) -> datetime | None:
        """Return the time at which the period ends, or None if it does not."""
        return self.turns[period] if period < len(self.turns) else None
