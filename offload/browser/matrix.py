"""The matrix: topics by instances, each cell desired and applied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zlib import crc32

from offload.browser.signs import Standing
from offload.browser.standings import Judged, examples, judge, judge_applied, same_effect
from offload.core.judgement import Need
from offload.core.policies import policy_for
from offload.core.routing import plan
from offload.core.topology import Mode, Scope

if TYPE_CHECKING:
    from datetime import datetime

    from offload.browser.facts import Facts, Line
    from offload.core.topology import Instance, Topology, Verb
    from offload.engine.counts import Counts

#: What an operator can do with a cell.
VERBS = ("allow", "deny", "exclusive", "clear")
#: From so many instances on, cells show buttons as glyphs.
DENSE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """An instance that is not gone."""

    name: str
    mode: Mode
    is_off: bool
    is_leader: bool
    running: int
    concurrency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One topic, or pattern of topics, on one instance."""

    instance: str
    pattern: str
    desired: Judged
    applied: Standing
    #: Seconds for which the two differ, where that is known.
    age: int | None = None
    #: The verbs of the rules for just this pattern on just this instance.
    own: tuple[Verb, ...] = ()
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
        return self.desired.standing is Standing.ABSENT

    @property
    def verbs(self) -> tuple[str, ...]:
        """Return what can be done: without a consumer, no more than to clear a rule."""
        if self.is_absent:
            return ("clear",) if self.own else ()
        return VERBS

    def holds(self, verb: str) -> bool:
        """Tell whether the cell is as this verb would make it."""
        if verb == "exclusive":
            return self.desired.standing is Standing.ONLY
        return verb in self.own

    @property
    def differs(self) -> bool:
        """Tell whether jobs still fare by something else than what is desired."""
        return not self.is_absent and not same_effect(self.desired.standing, self.applied)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One topic, or a pattern that an instance consumes or a rule names."""

    topic: str
    cells: tuple[Cell, ...]
    waiting: int
    queued: int
    running: int
    #: Instances that can and may run it, whether they have room or not.
    can_run: int
    #: The queue that holds its jobs back, if it is suspended.
    suspended: str = ""

    @property
    def is_pattern(self) -> bool:
        """Tell whether it stands for many topics."""
        return "*" in self.topic

    @property
    def is_stalled(self) -> bool:
        """Tell whether jobs wait that nobody can run."""
        return self.waiting > 0 and self.can_run == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The page: what is desired of whom, and what is applied."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    gone: tuple[str, ...]

    @property
    def is_dense(self) -> bool:
        """Tell whether there are too many instances for words on buttons."""
        return len(self.columns) >= DENSE

    @property
    def differing(self) -> tuple[Cell, ...]:
        """Return the cells in which desired and applied differ."""
        return tuple(cell for row in self.rows for cell in row.cells if cell.differs)

    @property
    def waiting(self) -> int:
        """Return how many jobs wait for an instance or for their time."""
        return sum(row.waiting for row in self.rows)

    @property
    def running(self) -> int:
        """Return how many jobs run."""
        return sum(row.running for row in self.rows)

    @property
    def ready(self) -> int:
        """Return how many instances take work."""
        return sum(one.mode is Mode.READY and not one.is_off for one in self.columns)


def build(facts: Facts) -> Matrix:
    """Make the page of the facts."""
    known = topics(facts.topology, facts.counts, facts.now)
    return Matrix(
        columns=tuple(_column(facts, instance) for instance in facts.topology.live),
        rows=tuple(_row(facts, topic) for topic in sorted(known)),
        gone=tuple(one.name for one in facts.topology.instances if not one.is_live),
    )


def topics(topology: Topology, counts: Counts, now: datetime) -> set[str]:
    """Return what is consumed, ruled, waits, runs, or came lately."""
    consumed = {one.pattern.text for instance in topology.live for one in instance.consumers}
    ruled = {rule.pattern.text for rule in topology.rules if rule.in_force(now)}
    return consumed | ruled | counts.topics


def _column(facts: Facts, instance: Instance) -> Column:
    return Column(
        name=instance.name,
        mode=instance.mode,
        is_off=instance.is_off,
        is_leader=instance.is_leader,
        running=facts.counts.running_on(instance.name),
        concurrency=instance.concurrency,
    )


def _row(facts: Facts, topic: str) -> Row:
    need = Need(topic=examples(topic)[-1])
    return Row(
        topic=topic,
        cells=tuple(_cell(facts, topic, instance) for instance in facts.topology.live),
        waiting=facts.counts.waiting.get(topic, 0),
        queued=facts.counts.bound(topic),
        running=facts.counts.running(topic),
        can_run=len(plan(need, facts.topology, facts.now).candidates),
        suspended=_suspended(facts, topic),
    )


def _suspended(facts: Facts, topic: str) -> str:
    policy = policy_for(topic, facts.policies)
    return policy.name if policy.suspended else ""


def _cell(facts: Facts, topic: str, instance: Instance) -> Cell:
    line = facts.lines.get(instance.name)
    cell = Cell(
        instance=instance.name,
        pattern=topic,
        desired=judge(instance, topic, facts.topology.rules, facts.now),
        applied=judge_applied(instance, topic, line.applied if line else None, facts.now),
        own=_own(facts, topic, instance.name),
        running=facts.counts.active.get((instance.name, topic), 0),
    )
    return replace(cell, age=_age(facts, cell.desired, line)) if cell.differs and line else cell


def _age(facts: Facts, desired: Judged, line: Line) -> int | None:
    """Return since when this incarnation should do so; unknown where a rule was cleared."""
    is_off = desired.standing is Standing.OFF
    age = line.off_for if is_off else facts.rule_ages.get(desired.rule_id or 0)
    return None if age is None else int(min(age, line.up_for))


def _own(facts: Facts, topic: str, instance: str) -> tuple[Verb, ...]:
    mine = (Scope.INSTANCE, instance, topic)
    return tuple(
        rule.verb
        for rule in facts.topology.rules
        if (rule.scope, rule.target, rule.pattern.text) == mine and rule.in_force(facts.now)
    )
