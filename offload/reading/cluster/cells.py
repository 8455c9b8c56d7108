"""Cells of the matrix: one topic, or pattern of topics, on one instance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zlib import crc32

from offload.core.placement.rule_status import (
    FORBIDDING,
    PERMITTING,
    Judged,
    RuleStatus,
    judge,
    same_effect,
)
from offload.core.placement.topology import RuleVerb
from offload.reading.rules.applied import judge_applied, judge_there

if TYPE_CHECKING:
    from offload.core.placement.topology import InstanceInfo
    from offload.reading.cluster.facts import ClusterFacts
    from offload.reading.cluster.instance_rows import Line
    from offload.reading.peers.clusters import PeerLine
    from offload.reading.rules.peer_requests import RequestLine

#: The actions that an operator has on a cell.
CELL_VERBS = ("allow", "deny", "exclusive", "clear")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One topic, or pattern of topics, on one instance."""

    instance: str
    pattern: str
    desired: Judged
    applied: RuleStatus
    #: Seconds since desired and applied began to differ; None if unknown.
    age: int | None = None
    #: The verbs of the rules for just this pattern on just this instance.
    own: tuple[RuleVerb, ...] = ()
    running: int = 0
    #: The cluster of the instance; empty for the own one.
    peer: str = ""
    #: The status by the rules of that cluster, if it is another one and says them.
    there: Judged | None = None
    #: Whether that cluster says that its rules may be changed from here.
    lets_rule: bool = False
    #: The open request about the cell, or the instance as a whole; or the latest about the cell.
    request: RequestLine | None = None

    @property
    def id(self) -> str:
        """Return an id for the cell's elements that stays the same from one refresh to the next."""
        return f"{crc32(self.key.encode()):08x}"

    @property
    def key(self) -> str:
        """Return instance and pattern as the form sends them."""
        return f"{self.instance} {self.pattern}"

    @property
    def is_absent(self) -> bool:
        """Tell whether the instance has no consumer for it."""
        return self.desired.status is RuleStatus.ABSENT

    @property
    def verbs(self) -> tuple[str, ...]:
        """Return the possible actions; without a consumer, only clearing a rule.

        For an instance of another cluster they are requests, if that cluster takes some.
        """
        if self.peer:
            return CELL_VERBS if self.lets_rule and not self.is_absent else ()
        if self.is_absent:
            return ("clear",) if self.own else ()
        return CELL_VERBS

    def holds(self, verb: str) -> bool:
        """Tell whether the cell is as this verb would make it already; unknown of others' cells."""
        if self.peer:
            return False
        if verb == "exclusive":
            return self.desired.status is RuleStatus.ONLY
        if verb == RuleVerb.ALLOW and RuleVerb.DENY in self.own:
            return False
        return verb in self.own

    @property
    def is_judged_there(self) -> bool:
        """Tell whether it matters what the rules of the other cluster say: jobs may be sent."""
        is_sent = self.desired.status is not RuleStatus.NOT_SENT
        return bool(self.peer) and is_sent and not self.is_absent

    @property
    def is_refused_there(self) -> bool:
        """Tell whether jobs are sent there which the rules of that cluster forbid."""
        if self.there is None:
            return False
        return self.desired.status in PERMITTING and self.there.status in FORBIDDING

    @property
    def differs(self) -> bool:
        """Tell whether desired and applied have different effects on jobs."""
        return not self.is_absent and not same_effect(self.desired.status, self.applied)


def cell_of(facts: ClusterFacts, topic: str, instance: InstanceInfo) -> Cell:
    """Return the cell of a topic, or pattern, on an instance."""
    line, peer = facts.lines.get(instance.name), _peer(facts, instance)
    desired = judge(instance, topic, facts.ruling(instance), facts.now)
    cell = Cell(
        instance=instance.name,
        pattern=topic,
        desired=desired,
        applied=_applied(facts, topic, instance, desired),
        own=_own(facts, topic, instance.name),
        running=facts.counts.active.get((instance.name, topic), 0),
        peer=instance.peer,
        there=_there(facts, topic, instance),
        lets_rule=peer is not None and peer.lets_rule,
        request=_request(peer, instance.name, topic) if peer else None,
    )
    return replace(cell, age=_age(facts, desired, line)) if cell.differs and line else cell


def _peer(facts: ClusterFacts, instance: InstanceInfo) -> PeerLine | None:
    """Return the other cluster that an instance is in."""
    return next((one for one in facts.peers if one.name == instance.peer), None)


def _there(facts: ClusterFacts, topic: str, instance: InstanceInfo) -> Judged | None:
    """Return the status by the rules of another cluster, which are in force by its own clock."""
    line = facts.remote.get(instance.name)
    return judge_there(instance, topic, line.applied, facts.now) if line else None


def _request(peer: PeerLine, instance: str, pattern: str) -> RequestLine | None:
    """Return the request to show: an open one, or else the latest about just the pattern."""
    concerned = (one for one in peer.requests if one.concerns(instance, pattern))
    found = [one for one in concerned if one.is_open or one.patterns]
    return min(found, key=lambda one: (not one.is_open, not one.patterns), default=None)


def _applied(
    facts: ClusterFacts, topic: str, instance: InstanceInfo, desired: Judged
) -> RuleStatus:
    if instance.name not in facts.behind:
        return desired.status
    line = facts.lines.get(instance.name)
    return judge_applied(instance, topic, line.applied if line else None, facts.now)


def _age(facts: ClusterFacts, desired: Judged, line: Line) -> int | None:
    """Return for how many seconds the rule is due here; None if a rule was cleared."""
    is_off = desired.status is RuleStatus.OFF
    age = line.off_for if is_off else facts.rule_ages.get(desired.rule_id or 0)
    return None if age is None else int(min(age, line.up_for))


def _own(facts: ClusterFacts, topic: str, instance: str) -> tuple[RuleVerb, ...]:
    return facts.own_verbs.get((instance, topic), ())
