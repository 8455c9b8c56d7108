"""A model of K7: a run that stays together, whose instance dies, is denied, and comes back.

A step ends and another begins there, while two leaders place the run anew, an instance binds, and
somebody stops the run: every order of their statements, with two faults. Each rule is switched off
once, and the model must then find what goes wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.unit.protocol.exploring import explored

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Two instances: the run is placed at the first.
PLACES = (0, 1)


@dataclass(frozen=True)
class Rules:
    """The parts of K7."""

    #: What waits for an instance that cannot run it is looked for again and again.
    again: bool = True
    #: The next step's place is read under the run's lock.
    locked: bool = True
    #: A placing anew rewrites the lanes of bound jobs, too.
    bound_too: bool = True
    #: A leader places only if the epoch is still the one that it saw.
    epoch: bool = True


@dataclass(frozen=True)
class Job:
    """A step's job: none, PENDING, BOUND or FINAL."""

    state: str = ""
    #: The instance that its lane names.
    lane: int = 0
    #: Where it is bound.
    at: int = 0


@dataclass(frozen=True)
class Leader:
    """A process that places anew."""

    #: idle, decided.
    at: str = "idle"
    #: The epoch that it saw, and the place that it chose.
    epoch: int = 0
    choice: int = 0
    #: Which instances were able when it decided: its picture may be old when it writes.
    saw: tuple[bool, ...] = (True, True)


@dataclass(frozen=True)
class World:
    """Committed rows, and the processes."""

    place: int = 0
    epoch: int = 1
    able: tuple[bool, ...] = (True, True)
    #: The first runs, and when it ends the second begins; the third waits beside the first.
    jobs: tuple[Job, ...] = (Job("BOUND"), Job(), Job("PENDING"))
    #: The place that the finish of the first step read before it took the lock, if so.
    read: int | None = None
    leaders: tuple[Leader, ...] = (Leader(), Leader())
    stopped: bool = False
    #: How much may still happen: an instance is lost, an attempt fails, a leader crashes, a stop.
    faults: int = 2
    #: Whether the instance that was lost may come back.
    returns: int = 1
    #: A job was bound elsewhere than where its run was placed then.
    strayed: bool = False
    #: What another leader had chosen since was undone, though that instance could go on.
    moved_in_vain: bool = False

    @property
    def is_over(self) -> bool:
        """Return whether nothing of the run is open."""
        states = {one.state for one in self.jobs}
        return states <= ({"FINAL", ""} if self.stopped else {"FINAL"})


def steps(world: World, rules: Rules) -> Iterator[World]:
    """Yield what may happen next."""
    if world.faults:
        yield from _faults(world)
    if world.returns and not all(world.able):
        yield replace(world, able=(True, True), returns=0)
    for number in range(len(world.jobs)):
        yield from _job(world, number, rules)
    for number in range(len(world.leaders)):
        yield from _leader(world, number, rules)


def _faults(world: World) -> Iterator[World]:
    world = replace(world, faults=world.faults - 1)
    for place in PLACES:
        if world.able[place]:
            able = tuple(one and number != place for number, one in enumerate(world.able))
            # A rule denies what it runs: what has begun there goes on.
            denied = replace(world, able=able)
            yield denied
            yield replace(denied, jobs=_back(world, place), read=None)
    if not world.stopped:
        jobs = tuple(
            replace(one, state="FINAL") if one.state == "PENDING" else one for one in world.jobs
        )
        yield replace(world, stopped=True, jobs=jobs)
    for number, one in enumerate(world.jobs):
        if one.state == "BOUND":  # Its attempt fails, and it waits to be tried again.
            yield _with(world, number, _again(world, one))
    for number, leader in enumerate(world.leaders):
        if leader.at == "decided":
            yield _led(world, number, Leader())


def _back(world: World, place: int) -> tuple[Job, ...]:
    """Return the jobs after an instance died: those that were bound to it come back."""
    return tuple(
        _again(world, one) if one.state == "BOUND" and one.at == place else one
        for one in world.jobs
    )


def _again(world: World, job: Job) -> Job:
    return replace(job, state="FINAL" if world.stopped else "PENDING")


def _job(world: World, number: int, rules: Rules) -> Iterator[World]:
    job = world.jobs[number]
    if job.state == "PENDING" and world.able[job.lane]:
        bound = _with(world, number, Job("BOUND", lane=job.lane, at=job.lane))
        yield replace(bound, strayed=world.strayed or job.lane != world.place)
    if job.state != "BOUND":
        return
    if number != 0 or world.stopped:
        yield _with(world, number, replace(job, state="FINAL"))
    elif rules.locked:
        yield _begun(world, world.place)
    elif world.read is None:
        yield replace(world, read=world.place)
    else:
        yield replace(_begun(world, world.read), read=None)


def _begun(world: World, place: int) -> World:
    """Return the world after the finish of the first step stored the second."""
    return _with(_with(world, 0, replace(world.jobs[0], state="FINAL")), 1, Job("PENDING", place))


def _leader(world: World, number: int, rules: Rules) -> Iterator[World]:
    leader = world.leaders[number]
    if leader.at == "decided":
        yield _placed(_led(world, number, Leader()), leader, rules)
        return
    stuck = any(one.state == "PENDING" and not world.able[one.lane] for one in world.jobs)
    if rules.again and stuck and any(world.able):
        choice = world.able.index(True)
        yield _led(world, number, Leader("decided", world.epoch, choice, world.able))


def _placed(world: World, leader: Leader, rules: Rules) -> World:
    """Return the world after a leader's transaction, which holds the run's lock."""
    is_old = world.epoch != leader.epoch
    if not leader.saw[world.place] and not (rules.epoch and is_old):
        in_vain = world.moved_in_vain or (is_old and world.able[world.place])
        epoch = min(world.epoch + 1, 3)
        world = replace(world, place=leader.choice, epoch=epoch, moved_in_vain=in_vain)
    states = ("PENDING", "BOUND") if rules.bound_too else ("PENDING",)
    jobs = tuple(
        replace(one, lane=world.place) if one.state in states else one for one in world.jobs
    )
    return replace(world, jobs=jobs)


def _with(world: World, number: int, job: Job) -> World:
    return replace(world, jobs=(*world.jobs[:number], job, *world.jobs[number + 1 :]))


def _led(world: World, number: int, leader: Leader) -> World:
    # Neither is the first.
    both = sorted([leader, world.leaders[1 - number]], key=repr)
    return replace(world, leaders=tuple(both))


def explore(rules: Rules) -> tuple[set[World], set[World]]:
    """Return all worlds, and those from which the run's end can be reached without more faults."""
    return explored(
        World(),
        lambda world: steps(world, rules),
        lambda world: world.is_over or not any(world.able),
        # Neither a fault nor luck, but what the processes do by themselves.
        lambda world, then: (world.faults, world.returns) == (then.faults, then.returns),
    )


def faults(rules: Rules) -> set[str]:
    """Return what can go wrong."""
    seen, good = explore(rules)
    found = set()
    if seen - good:
        found.add("never ends")
    if any(one.strayed for one in seen):
        found.add("a job strays")
    if any(one.moved_in_vain for one in seen):
        found.add("moves in vain")
    return found


def test_a_run_stays_together_and_ends_whatever_becomes_of_its_instance() -> None:
    seen, _ = explore(Rules())

    assert len(seen) > 500
    assert any(one.is_over and one.epoch > 1 for one in seen)
    assert faults(Rules()) == set()


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        (Rules(again=False), "never ends"),
        (Rules(locked=False), "a job strays"),
        (Rules(bound_too=False), "a job strays"),
        (Rules(epoch=False), "moves in vain"),
    ],
)
def test_without_each_rule_something_goes_wrong(rules: Rules, fault: str) -> None:
    assert fault in faults(rules)
