"""Schedules of the model: the shortest ones that meet every situation of the statements."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tests.unit.protocol.explorer import go_wrong
from tests.unit.protocol.model import Key, Step, World
from tests.unit.protocol.rules import Rules
from tests.unit.protocol.search import Left
from tests.unit.protocol.steps import steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ALL = Rules()
NUMBERS = re.compile(r"\d+")
#: A world of which no rule tells it from others, with the faults that may still happen.
Node: TypeAlias = tuple[Key, Left]


class Act(NamedTuple):
    """A step as the code takes it: some of those of the model are one transaction, or one call."""

    before: World
    step: Step
    after: World
    #: The steps that the code does together with it.
    along: Step | None = None

    def __str__(self) -> str:
        return f"{self.step}; {self.along}" if self.along else str(self.step)

    @property
    def situation(self) -> Key:
        """Return all that the statement of this act can tell."""
        (world, step, _, along), job = self, self.before.job
        row = (job.state, job.stop_requested, job.aftermath_due, job.before > 0)
        counters, counted = [(one.job.failures, one.job.crashes) for one in (world, self.after)]
        place: Key = ()
        attempt: Key = ()
        if step.who is not None:
            instance = world.instances[step.who]
            place = (step.who == job.instance, instance.incarnation == job.incarnation)
            place += (instance.gone, step.who in world.denied)
        if step.by is not None:
            _, epoch, token, phase, *_ = step.by
            attempt = (phase, epoch == job.epoch, token == job.token, token == job.finisher)
        said = [NUMBERS.sub("", one.what) for one in (step, along) if one]
        return (*said, row, place, attempt, counters if counters != counted else ())


Schedule: TypeAlias = tuple[Act, ...]


def possible(world: World, left: Left = (0, ())) -> Iterator[tuple[Act, Left]]:
    """Yield the possible next steps, with the faults that are left after each."""
    for step, after in steps(world, ALL):
        yield _whole(Act(world, step, after)), left
    for (step, after), rest in go_wrong(world, left, ALL):
        yield _whole(Act(world, step, after)), rest


def _whole(act: Act) -> Act:
    """Return a step with the one that the code takes along with it."""
    for is_first, is_second in TAKEN_ALONG:
        if is_first(act):
            for step, after in steps(act.after, ALL):
                if is_second(act, step):
                    return act._replace(after=after, along=step)
    return act


def _leaves_a_job(act: Act) -> bool:
    """Tell whether an instance is declared gone to which the job is bound."""
    job, who = act.before.job, act.step.who
    if who is None or act.step.what != "is declared gone":
        return False
    return (job.instance, job.incarnation) == (who, act.before.instances[who].incarnation)


def _moves_it(act: Act, second: Step) -> bool:
    return second.what == "the leader moves the job"


def _fails_unstarted(act: Act) -> bool:
    """Tell whether the agent claims for a delivery that came to nothing."""
    return "fails before its claim" in act.step.what


def _ends_it(act: Act, second: Step) -> bool:
    return second.by in set(act.after.attempts) - set(act.before.attempts)


#: Two steps of the model each, which are one transaction of the code, or one call.
TAKEN_ALONG = ((_leaves_a_job, _moves_it), (_fails_unstarted, _ends_it))


@dataclass(slots=True)
class Schedules:
    """Schedules with these faults, each up to a final state with its result."""

    faults: Sequence[str]
    #: Situations that other schedules meet; those of these are added.
    met: set[Key] = field(default_factory=set)
    #: How each world was first reached.
    _came: dict[Node, tuple[Node, Act] | None] = field(default_factory=dict)

    def found(self) -> Iterator[Schedule]:
        """Yield as few schedules as meet every situation that comes about and was not met before.

        Those of the latest situations come first: earlier ones lie on their way.
        """
        for here, act in reversed(self._situations()):
            if act.situation not in self.met:
                schedule = (*self._way_to(here), act)
                whole = (*schedule, *way_out(act.after))
                self.met.update(one.situation for one in whole)
                yield whole

    def _situations(self) -> list[tuple[Node, Act]]:
        """Return an act for each situation, and the world in which it is first possible."""
        found: dict[Key, tuple[Node, Act]] = {}
        left: Left = (len(self.faults), tuple(self.faults))
        queue = [(World(), left)]
        self._came = {(World().key(), left): None}
        for world, left in queue:
            here = (world.key(), left)
            for act, rest in possible(world, left):
                found.setdefault(act.situation, (here, act))
                there = (act.after.key(), rest)
                if there not in self._came:
                    self._came[there] = here, act
                    queue.append((act.after, rest))
        return list(found.values())

    def _way_to(self, node: Node) -> Schedule:
        back: list[Act] = []
        while (came := self._came[node]) is not None:
            node, act = came
            back.append(act)
        return tuple(reversed(back))


def way_out(world: World) -> Schedule:
    """Return a shortest way to a final state with its result, without a further fault."""
    queue: list[tuple[World, Schedule]] = [(world, ())]
    known = {world.key()}
    for here, schedule in queue:
        if here.job.settled and here.database:
            return schedule
        for act, _ in possible(here):
            if act.after.key() not in known:
                known.add(act.after.key())
                queue.append((act.after, (*schedule, act)))
    raise AssertionError(f"no way leads out of {world}")
