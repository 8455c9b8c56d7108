"""Fates of waiting jobs under a change: who would have nobody, move, be held back, or begin."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping, Sequence

    from offload.core.matching.amounts import Amounts


class Fate(enum.StrEnum):
    """The effect of a change on waiting jobs."""

    # An instance could run them, and none could any more.
    NOBODY = "nobody"
    # Their queue or a resource would let none of them through any more.
    HELD = "held"
    # Not all instances that could run them still could; others go on.
    MOVES = "moves"
    # They would begin.
    STARTS = "starts"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneWait:
    """Waiting jobs of one lane at one moment, and the instances that could run them."""

    # The name of the lane, and how many wait in it.
    lane: str
    jobs: int
    # Instances that can and may run them.
    able: frozenset[str] = frozenset()
    queue: str = ""
    amounts: Amounts | None = None
    # Whether their queue and their resources let any through.
    is_open: bool = True


@dataclass(slots=True, kw_only=True)
class Room:
    """The room that is left while jobs are counted off: of instances, of queues, of resources."""

    instances: MutableMapping[str, int]
    # Without those that have no limit.
    queues: MutableMapping[str, int] = field(default_factory=dict)
    resources: MutableMapping[str, int] = field(default_factory=dict)

    def take(self, wait: LaneWait) -> int:
        """Return how many jobs of a lane could begin, and count them off."""
        places = sorted(wait.able)
        most = [wait.jobs, sum(max(0, self.instances.get(one, 0)) for one in places)]
        pairs = wait.amounts.pairs if wait.amounts else ()
        most += [self.queues[wait.queue]] if wait.queue in self.queues else []
        most += [self.resources[name] // n for name, n in pairs if name in self.resources]
        number = max(0, min(most)) if wait.is_open else 0
        if wait.queue in self.queues:
            self.queues[wait.queue] -= number
        for name, amount in pairs:
            if name in self.resources:
                self.resources[name] -= number * amount
        self._fill(places, number)
        return number

    def _fill(self, places: Sequence[str], number: int) -> None:
        for place in places:
            taken = min(number, max(0, self.instances.get(place, 0)))
            self.instances[place] = self.instances.get(place, 0) - taken
            number -= taken


def fates(
    before: Iterable[LaneWait], room: Room, after: Iterable[LaneWait], room_after: Room
) -> Mapping[tuple[str, Fate], int]:
    """Return how many jobs of each lane fare otherwise after a change, by lane and fate."""
    found: dict[tuple[str, Fate], int] = {}
    for old, new in zip(before, after, strict=True):
        started = room_after.take(new) - room.take(old)
        if old.able and not new.able:
            found[old.lane, Fate.NOBODY] = old.jobs
        elif new.able and old.is_open and not new.is_open:
            found[old.lane, Fate.HELD] = old.jobs
        elif old.able - new.able:
            found[old.lane, Fate.MOVES] = old.jobs
        if started > 0:
            found[old.lane, Fate.STARTS] = started
    return found
