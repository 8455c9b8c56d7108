"""Breadth-first search through every schedule of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from tests.unit.protocol.model import Key, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from enum import StrEnum

#: How many faults may still happen, and which; none are named where none may.
Left: TypeAlias = tuple[int, tuple[str, ...]]


class Keyed(Protocol):
    """A world, whatever is in it."""

    def key(self) -> Key:
        """Name this world and all others that no rule can tell from it."""


W = TypeVar("W", bound=Keyed)
Moves: TypeAlias = Callable[[W], Iterable[tuple[Step, W]]]


@dataclass(frozen=True, slots=True)
class Goal(Generic[W]):
    """Where every schedule must be able to get."""

    is_reached: Callable[[W], bool]
    #: Whether the way there may use steps that nobody can rely on, such as a boot.
    with_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class System(Generic[W]):
    """A model under its rules: a first world, what happens, what may go wrong, what must hold."""

    start: W
    steps: Moves[W]
    faults: Mapping[str, Moves[W]]
    broken: Callable[[W, Step, W], Iterable[StrEnum]]
    #: The goals, by the promise that is broken where one cannot be reached any more.
    goals: Mapping[StrEnum, Goal[W]]
    #: The end of a world that is one, as text.
    end: Callable[[W], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """The findings of a search."""

    #: The states in which the job can end.
    ends: frozenset[str]
    #: For each promise that can be broken, a shortest schedule that breaks it.
    counterexamples: Mapping[StrEnum, str]
    #: How many states were visited.
    size: int

    def __str__(self) -> str:
        return "\n\n".join(f"{kind}:\n{how}" for kind, how in self.counterexamples.items())


def search(
    system: System[W],
    faults: Sequence[str],
    at_most: int | None = None,
    until: StrEnum | None = None,
) -> Exploration:
    """Walk through all schedules in which each of these faults happens at most once.

    ``at_most`` limits how many of them a schedule holds; the walk ends where the promise ``until``
    is broken.
    """
    walk = _Walk(system=system)
    walk.reach(_Node(system.start, (len(faults) if at_most is None else at_most, tuple(faults))))
    # The list grows while it is read: that is the breadth-first queue.
    for number, node in enumerate(walk.nodes):
        walk.expand(number, node)
        if until in walk.counterexamples:
            break
    # Of a walk that was not finished, nobody knows what cannot be reached.
    goals = {} if until in walk.counterexamples else system.goals
    for kind, goal in goals.items():
        walk.look_for_stuck(kind, goal)
    ends = (system.end(node.world) for node in walk.nodes)
    return Exploration(
        ends=frozenset(end for end in ends if end is not None),
        counterexamples=walk.counterexamples,
        size=len(walk.nodes),
    )


def with_fault(
    faults: Mapping[str, Moves[W]], world: W, left: Left
) -> Iterator[tuple[Step, W, Left]]:
    """Yield the effects that each remaining fault can have now, with the faults left after it."""
    number, names = left
    for fault in dict.fromkeys(names):
        place = names.index(fault)
        others = names[:place] + names[place + 1 :] if number > 1 else ()
        for step, after in faults[fault](world):
            yield step, after, (number - 1, others)


class _Node(NamedTuple, Generic[W]):
    """A state of the world, and the step that first led there from an earlier one."""

    world: W
    left: Left
    before: int | None = None
    step: Step | None = None


@dataclass(slots=True, kw_only=True)
class _Walk(Generic[W]):
    system: System[W]
    nodes: list[_Node[W]] = field(default_factory=list)
    numbers: dict[tuple[Key, Left], int] = field(default_factory=dict)
    #: For each state, those from which a step leads there, and whether it can be relied on.
    sources: list[list[tuple[int, bool]]] = field(default_factory=list)
    counterexamples: dict[StrEnum, str] = field(default_factory=dict)

    def reach(self, node: _Node[W]) -> int:
        """Return the number of a state, a new one if nobody was there before."""
        key = (node.world.key(), node.left)
        number = self.numbers.setdefault(key, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(node)
            self.sources.append([])
        return number

    def expand(self, number: int, node: _Node[W]) -> None:
        """Take every step that can follow, and check it."""
        for step, world in self.system.steps(node.world):
            after = self.reach(_Node(world, node.left, number, step))
            self.sources[after].append((number, step.relied_on))
            self.check(number, node, step, world)
        for step, world, left in with_fault(self.system.faults, node.world, node.left):
            self.reach(_Node(world, left, number, step))
            self.check(number, node, step, world)

    def check(self, number: int, node: _Node[W], step: Step, after: W) -> None:
        """Keep the first schedule that breaks a promise."""
        for kind in self.system.broken(node.world, step, after):
            if kind not in self.counterexamples:
                self.counterexamples[kind] = self.schedule(number, step)

    def look_for_stuck(self, kind: StrEnum, goal: Goal[W]) -> None:
        """Find the first state from which the goal cannot be reached."""
        open_ = [n for n, node in enumerate(self.nodes) if goal.is_reached(node.world)]
        saved = set(open_)
        while open_:
            sources = self.sources[open_.pop()]
            fresh = {n for n, relied_on in sources if relied_on or goal.with_all} - saved
            saved |= fresh
            open_.extend(fresh)
        stuck = next((n for n in range(len(self.nodes)) if n not in saved), None)
        if stuck is not None:
            self.counterexamples[kind] = self.schedule(stuck)

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
