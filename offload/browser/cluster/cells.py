"""Cells of the matrix: one topic, or pattern of topics, on one instance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zlib import crc32

from offload.browser.badges import RuleStatus
from offload.browser.cluster.rule_status import Judged, judge, judge_applied, same_effect
from offload.core.placement.topology import RuleVerb

if TYPE_CHECKING:
    from offload.core.placement.topology import InstanceInfo
    from offload.reading.cluster import ClusterFacts
    from offload.reading.instance_rows import Line

#: What an operator can do with a cell.
CELL_VERBS = ("allow", "deny", "exclusive", "clear")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One topic, or pattern of topics, on one instance."""

    instance: str
    pattern: str
    desired: Judged
    applied: RuleStatus
    #: Seconds for which the two differ, where that is known.
    age: int | None = None
    #: The verbs of the rules for just this pattern on just this instance.
    own: tuple[RuleVerb, ...] = ()
    running: int = 0

    @property
    def id(self) -> str:
        """Return what is the same from one refresh to the next, for the cell's elements."""
        return f"{crc32(self.key.encode()):08x}"

    @property
    def key(self) -> str:
        """Return instance and pattern as a form says them."""
        return f"{self.instance} {self.pattern}"

    @property
    def is_absent(self) -> bool:
        """Tell whether the instance has no consumer for it."""
        return self.desired.status is RuleStatus.ABSENT

    @property
    def verbs(self) -> tuple[str, ...]:
        """Return what can be done: without a consumer, no more than to clear a rule."""
        if self.is_absent:
            return ("clear",) if self.own else ()
        return CELL_VERBS

    def holds(self, verb: str) -> bool:
        """Tell whether the cell is as this verb would make it."""
        if verb == "exclusive":
            return self.desired.status is RuleStatus.ONLY
        if verb == RuleVerb.ALLOW and RuleVerb.DENY in self.own:
            return False
        return verb in self.own

    @property
    def differs(self) -> bool:
        """Tell whether jobs still fare by something else than what is desired."""
        return not self.is_absent and not same_effect(self.desired.status, self.applied)


def cell_of(facts: ClusterFacts, topic: str, instance: InstanceInfo) -> Cell:
    """Return the cell of a topic, or pattern, on an instance."""
    line = facts.lines.get(instance.name)
    desired = judge(instance, topic, facts.ruling(instance), facts.now)
    cell = Cell(
        instance=instance.name,
        pattern=topic,
        desired=desired,
        applied=_applied(facts, topic, instance, desired),
        own=_own(facts, topic, instance.name),
        running=facts.counts.active.get((instance.name, topic), 0),
    )
    return replace(cell, age=_age(facts, desired, line)) if cell.differs and line else cell


def _applied(
    facts: ClusterFacts, topic: str, instance: InstanceInfo, desired: Judged
) -> RuleStatus:
    if instance.name not in facts.behind:
        return desired.status
    line = facts.lines.get(instance.name)
    return judge_applied(instance, topic, line.applied if line else None, facts.now)


def _age(facts: ClusterFacts, desired: Judged, line: Line) -> int | None:
    """Return since when this incarnation should do so; unknown where a rule was cleared."""
    is_off = desired.status is RuleStatus.OFF
    age = line.off_for if is_off else facts.rule_ages.get(desired.rule_id or 0)
    return None if age is None else int(min(age, line.up_for))


def _own(facts: ClusterFacts, topic: str, instance: str) -> tuple[RuleVerb, ...]:
    return facts.own_verbs.get((instance, topic), ())
