"""Schedules of the model of two clusters: the shortest ones that meet every situation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tests.unit.protocol.model import Key, Step
from tests.unit.protocol.peers.explorer import system
from tests.unit.protocol.peers.model import World
from tests.unit.protocol.peers.rules import PeerRules
from tests.unit.protocol.search import Left, with_fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ALL = PeerRules()
NUMBERS = re.compile(r"\d+")
Node: TypeAlias = tuple[Key, Left]


class Act(NamedTuple):
    """A step of the model, between the worlds before and after it."""

    before: World
    step: Step
    after: World

    def __str__(self) -> str:
        return str(self.step)

    @property
    def situation(self) -> Key:
        """Return all that the statements of this step can tell."""
        world, job, peer = self.before, self.before.job, self.before.peer
        at_home = (job.state, job.stop_requested, world.at_peer, world.silent, world.purged)
        numbers = NUMBERS.findall(self.step.what)
        epochs = [int(numbers[0])] if numbers else [0]
        of_step = (
            epochs[0] == job.epoch,
            epochs[0] <= peer.closed,
            (epochs[0] > peer.home_epoch) - (epochs[0] < peer.home_epoch),
            epochs[0] == world.heard[0],
        )
        clone = (peer.clone.state, peer.clone.stop_requested) if peer.clone else ()
        report = peer.report.news if peer.report else ""
        said = NUMBERS.sub("", self.step.what)
        return (said, at_home, of_step, clone, report, bool(world.withdrawn))


Schedule: TypeAlias = tuple[Act, ...]


@dataclass(slots=True)
class Schedules:
    """Schedules with these faults, each up to the job's end, with nothing left between the two."""

    faults: Sequence[str]
    #: Situations that other schedules meet; those of these are added.
    met: set[Key]
    limited: bool = False
    _came: dict[Node, tuple[Node, Act] | None] = field(default_factory=dict)

    def found(self) -> Iterator[Schedule]:
        """Yield as few schedules as meet every situation that comes about and was not met before.

        Those of the latest situations come first: earlier ones lie on their way.
        """
        for here, act in reversed(self._situations()):
            if act.situation not in self.met:
                whole = (*self._way_to(here), act, *way_out(act.after))
                self.met.update(one.situation for one in whole)
                yield whole

    def _situations(self) -> list[tuple[Node, Act]]:
        """Return an act for each situation, and the world in which it is first possible."""
        model = system(ALL, World(limited=self.limited))
        found: dict[Key, tuple[Node, Act]] = {}
        left: Left = (len(self.faults), tuple(self.faults))
        queue = [(model.start, left)]
        self._came = {(model.start.key(), left): None}
        for world, rest in queue:
            here = (world.key(), rest)
            steps = [(step, after, rest) for step, after in model.steps(world)]
            for step, after, then in (*steps, *with_fault(model.faults, world, rest)):
                act = Act(world, step, after)
                found.setdefault(act.situation, (here, act))
                if (after.key(), then) not in self._came:
                    self._came[after.key(), then] = here, act
                    queue.append((after, then))
        return list(found.values())

    def _way_to(self, node: Node) -> Schedule:
        """Return the acts that lead to a world, of which the keys rename epochs alone."""
        back: list[Act] = []
        while (came := self._came[node]) is not None:
            node, act = came
            back.append(act)
        return tuple(reversed(back))


def way_out(world: World) -> Schedule:
    """Return a shortest way to the job's end and to rest, without a further fault."""
    model = system(ALL, world)
    queue: list[tuple[World, Schedule]] = [(world, ())]
    known = {world.key()}
    for here, schedule in queue:
        if here.clean:
            return schedule
        for step, after in model.steps(here):
            if after.key() not in known:
                known.add(after.key())
                queue.append((after, (*schedule, Act(here, step, after))))
    raise AssertionError(f"no way leads out of {world}")
