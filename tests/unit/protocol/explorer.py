"""Breadth-first search through every schedule of the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tests.unit.protocol.faults import FAULTS
from tests.unit.protocol.model import Edge, Key, Step, World
from tests.unit.protocol.promises import Broken, broken
from tests.unit.protocol.steps import steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.unit.protocol.rules import Rules

#: How many faults may still happen, and which; none are named where none may.
Left: TypeAlias = tuple[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """What a search found."""

    #: The states in which the job can end.
    ends: frozenset[str]
    #: For each promise that can be broken, a shortest schedule that breaks it.
    counterexamples: Mapping[Broken, str]

    def __str__(self) -> str:
        return "\n\n".join(f"{kind}:\n{how}" for kind, how in self.counterexamples.items())


def explore(faults: Sequence[str], rules: Rules, *, at_most: int | None = None) -> Exploration:
    """Walk through all schedules in which each of these faults happens at most once.

    ``at_most`` limits how many of them a schedule holds.
    """
    search = _Search(rules=rules)
    search.reach(_Node(World(), (at_most or len(faults), tuple(faults))))
    # The list grows while it is read: that is the breadth-first queue.
    for number, node in enumerate(search.nodes):
        search.expand(number, node)
    search.look_for_stuck()
    return Exploration(
        ends=frozenset(node.world.job.state for node in search.nodes if node.world.job.settled),
        counterexamples=search.counterexamples,
    )


def go_wrong(world: World, left: Left, rules: Rules) -> Iterator[tuple[Edge, Left]]:
    """Yield what each fault that is left can do now, with the faults left after it."""
    number, names = left
    for fault in dict.fromkeys(names):
        place = names.index(fault)
        others = names[:place] + names[place + 1 :] if number > 1 else ()
        for edge in FAULTS[fault](world, rules):
            yield edge, (number - 1, others)


class _Node(NamedTuple):
    """A state of the world, and the step that first led there from an earlier one."""

    world: World
    left: Left
    before: int | None = None
    step: Step | None = None


@dataclass(slots=True, kw_only=True)
class _Search:
    rules: Rules
    nodes: list[_Node] = field(default_factory=list)
    numbers: dict[tuple[Key, Left], int] = field(default_factory=dict)
    #: For each state, those from which a step leads there that can be relied on.
    sources: list[list[int]] = field(default_factory=list)
    counterexamples: dict[Broken, str] = field(default_factory=dict)

    def reach(self, node: _Node) -> int:
        """Return the number of a state, a new one if nobody was there before."""
        key = (node.world.key(), node.left)
        number = self.numbers.setdefault(key, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(node)
            self.sources.append([])
        return number

    def expand(self, number: int, node: _Node) -> None:
        """Take every step that can follow, and check it."""
        for step, world in steps(node.world, self.rules):
            after = self.reach(_Node(world, node.left, number, step))
            if step.relied_on:
                self.sources[after].append(number)
            self.check(number, node, step, world)
        for (step, world), left in go_wrong(node.world, node.left, self.rules):
            self.reach(_Node(world, left, number, step))
            self.check(number, node, step, world)

    def check(self, number: int, node: _Node, step: Step, after: World) -> None:
        """Keep the first schedule that breaks a promise."""
        for kind in broken(node.world, step, after):
            if kind not in self.counterexamples:
                self.counterexamples[kind] = self.schedule(number, step)

    def look_for_stuck(self) -> None:
        """Find the first state from which no step that can be relied on leads to the end."""
        open_ = [n for n, node in enumerate(self.nodes) if node.world.job.settled]
        saved = set(open_)
        while open_:
            fresh = set(self.sources[open_.pop()]) - saved
            saved |= fresh
            open_.extend(fresh)
        stuck = next((n for n in range(len(self.nodes)) if n not in saved), None)
        if stuck is not None:
            self.counterexamples[Broken.STUCK] = self.schedule(stuck)

    def schedule(self, number: int, *last: Step) -> str:
        """Write down how a state was reached, a line per step."""
        happened = [*reversed(list(self.steps_back(number))), *last]
        return "\n".join(f"{place}. {step}" for place, step in enumerate(happened, start=1))

    def steps_back(self, number: int) -> Iterator[Step]:
        """Yield the steps that led to a state, the last one first."""
        node = self.nodes[number]
        while node.step is not None and node.before is not None:
            yield node.step
            node = self.nodes[node.before]
