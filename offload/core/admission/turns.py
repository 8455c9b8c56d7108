"""Turns: which of a queue's waiting jobs are bound next, by their keys or topics."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from offload.core.policies import TurnsBy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NOTHING_BOUND: Mapping[str, int] = MappingProxyType({})


class WaitingJob(NamedTuple):
    """A waiting job that could be bound, apart from what its queue says about keys."""

    id: str
    topic: str
    # Empty if it has none: then no limit by key holds for it.
    key: str
    priority: int
    # A time as the database returns it.
    created_at: Any

    @property
    def in_order(self) -> tuple[int, Any, str]:
        """Return its place in the order of submission, by priority first."""
        return -self.priority, self.created_at, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTurn:
    """The key or topic whose turn it is, and how many jobs it got in this turn."""

    of: str = ""
    taken: int = 0

    def is_over(self, weights: Mapping[str, int]) -> bool:
        """Tell whether its weight is used up."""
        return self.taken >= weights.get(self.of, 1)

    def distance(self, name: str) -> tuple[bool, str]:
        """Return how far away the turn of a key or topic is, once this one is over."""
        return name <= self.of, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The rules by which jobs are chosen."""

    # Takers of turns; None for the order of submission.
    by: TurnsBy | None = None
    # How many jobs of one key are bound at once; None is without limit.
    most_per_key: int | None = None
    # How many jobs a key gets in its turn, if that is not one.
    weights: Mapping[str, int] = field(default_factory=dict)


def choose(
    candidates: Iterable[WaitingJob],
    choice: Choice,
    *,
    limit: int,
    bound: Mapping[str, int] = NOTHING_BOUND,
    turn: QueueTurn,
) -> tuple[list[WaitingJob], QueueTurn]:
    """Return the jobs to bind next, at most `limit`, and whose turn it is after them.

    `bound` is how many jobs of each key are bound. Within a key, jobs keep their order.
    """
    fitting = within_limits(sorted(candidates, key=lambda one: one.in_order), choice, bound)
    if choice.by is None:
        return fitting[:limit], turn
    chosen = list(islice(in_turns(fitting, choice, turn), limit))
    return [one for one, _ in chosen], chosen[-1][1] if chosen else turn


def within_limits(
    candidates: Iterable[WaitingJob], choice: Choice, bound: Mapping[str, int]
) -> list[WaitingJob]:
    """Leave out what is beyond the limit of its key; jobs without a key have none."""
    if choice.most_per_key is None:
        return list(candidates)
    counts: defaultdict[str, int] = defaultdict(int, bound)
    fitting = []
    for one in candidates:
        if not one.key or counts[one.key] < choice.most_per_key:
            counts[one.key] += 1
            fitting.append(one)
    return fitting


def in_turns(
    candidates: Iterable[WaitingJob], choice: Choice, turn: QueueTurn
) -> Iterator[tuple[WaitingJob, QueueTurn]]:
    """Yield jobs as turns bring them, each with the turn after it.

    A turn ends when its weight is used up or nothing of it waits. Then comes the next key or topic
    by name, and after the last one the first.
    """
    waiting = _by_name(candidates, choice.by)
    while waiting:
        if turn.of not in waiting or turn.is_over(choice.weights):
            turn = QueueTurn(of=_next(sorted(waiting), turn.of))
        line = waiting[turn.of]
        found = line.popleft()
        if not line:
            del waiting[turn.of]
        turn = QueueTurn(of=turn.of, taken=turn.taken + 1)
        yield found, turn


def _by_name(candidates: Iterable[WaitingJob], by: TurnsBy | None) -> dict[str, deque[WaitingJob]]:
    waiting: defaultdict[str, deque[WaitingJob]] = defaultdict(deque)
    for one in candidates:
        waiting[one.topic if by is TurnsBy.TOPICS else one.key].append(one)
    return dict(waiting)


def _next(names: list[str], before: str) -> str:
    return names[bisect_right(names, before) % len(names)]
