"""What may happen next: at home, at the peer, between them, and what can go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.protocol.whole.world import There

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.protocol.whole.rules import Rules
    from tests.unit.protocol.whole.world import Message, World

LAST_STEP = 2


def steps(world: World, rules: Rules) -> Iterator[World]:
    """Yield what may happen next."""
    if world.wrong:
        return
    if world.is_over:
        for one in world.messages:
            yield _taken(world._replace(messages=world.messages - {one}), one, rules)
        return
    if world.faults:
        yield from _faults(world._replace(faults=world.faults - 1), rules)
    yield from _home(world)
    yield from _peer(world, rules)
    for index in range(len(world.runs)):
        yield from _run(world, index, rules)
    if world.cut:
        yield world._replace(cut=False)
        yield world._replace(lease=False)
        return
    if not world.lease and not world.silent:
        yield world._replace(lease=True)
    for one in world.messages:
        yield _taken(world._replace(messages=world.messages - {one}), one, rules)


def _faults(world: World, rules: Rules) -> Iterator[World]:
    if not world.cut:
        yield world._replace(cut=True)
    for one in world.messages:
        yield world._replace(messages=world.messages - {one})
        if not world.cut:  # Doubled: it arrives, and again later.
            yield _taken(world, one, rules)
    if world.state == "ACTIVE":  # The process that stores the run dies.
        yield world._replace(state="FINAL", came_to="lost")
    for index, run in enumerate(world.runs):
        if not rules.ends_both and run.over and run.epoch == world.clone:
            yield _with(world, index, run._replace(epoch=0))  # Nobody completes the clone.
    if not world.stop and world.home != "FINAL":
        yield _stopped(world, rules)


def _stopped(world: World, rules: Rules) -> World:
    world = world._replace(stop=True)
    if world.home == "PENDING":
        return _ended(world)
    world = world._replace(withdrawn=world.epoch)
    return world if rules.by_report else _ended(world, home=world.home)


def _ended(world: World, home: str = "FINAL") -> World:
    wrong = "it ends twice" if world.ends else world.wrong
    return world._replace(home=home, ends=world.ends + 1, wrong=wrong)


def _home(world: World) -> Iterator[World]:
    """Yield what home does: bind, send again, declare the peer silent, hear it again."""
    if world.home == "PENDING" and not world.silent and not world.withdrawn:
        yield world._replace(home="BOUND", epoch=world.epoch + 1)
    if world.home == "BOUND" and world.clone < world.epoch and not world.cut:
        yield _sent(world, ("envelope", world.epoch, ""))
    if world.withdrawn and not world.cut:
        yield _sent(world, ("withdrawal", world.withdrawn, ""))
    if world.cut and not world.lease and not world.silent:
        world = world._replace(silent=True)
        yield _back(world._replace(withdrawn=world.epoch)) if world.home == "BOUND" else world
    elif world.silent and not world.cut and not world.withdrawn:
        yield world._replace(silent=False)


def _back(world: World) -> World:
    """Return the world after the placeholder came back (E1)."""
    return _ended(world) if world.stop else world._replace(home="PENDING")


def _sent(world: World, message: Message) -> World:
    return world._replace(messages=world.messages | {message})


def _peer(world: World, rules: Rules) -> Iterator[World]:
    """Yield what becomes of the clone, and its report."""
    if world.state == "QUEUED" and world.lease:
        yield world._replace(state="ACTIVE")
    if world.state == "ACTIVE":
        yield from _stored(world, rules)
    if world.state == "FINAL" and world.answered < world.clone and not world.cut:
        yield _sent(world, ("report", world.clone, world.came_to))


def _stored(world: World, rules: Rules) -> Iterator[World]:
    is_stored = any(one.epoch == world.clone for one in world.runs)
    runs = world.runs if is_stored else (*world.runs, There(world.clone))
    if world.closed >= world.clone:  # A stop was requested, and takes effect with the hand-over.
        yield _completed(world, world.clone, "stopped")
    elif rules.stored_once or is_stored:
        yield world._replace(runs=runs, state="HANDED")
    else:
        yield world._replace(runs=runs)


def _run(world: World, index: int, rules: Rules) -> Iterator[World]:
    run = world.runs[index]
    if run.over:
        if not rules.ends_both:
            yield _completed(world, run.epoch, "done")
    elif run.runs:
        yield _after(world, index, run._replace(runs=False), rules)
    elif world.lease or not rules.leased:
        then = run._replace(begun=run.begun + 1, runs=True)
        yield _with(world, index, then)._replace(wrong=_wrong(world, run))


def _wrong(world: World, run: There) -> str:
    """Return what is wrong if a step begins now."""
    if (world.ends and world.stop) or run.epoch <= world.accepted:
        return "a step begins after its stop"
    is_open = world.clone == run.epoch and world.state in ("ACTIVE", "HANDED")
    return "" if is_open else "a step begins for nobody"


def _after(world: World, index: int, run: There, rules: Rules) -> World:
    """Return the world after the end of a step, or the stop of a run."""
    over = run.begun == LAST_STEP or run.stopped
    world = _with(world, index, run._replace(over=over))
    if not over or not (rules.ends_both or run.stopped):
        return world
    return _completed(world, run.epoch, "stopped" if run.stopped else "done")


def _completed(world: World, epoch: int, came_to: str) -> World:
    if world.clone != epoch or world.state == "FINAL":
        return world
    return world._replace(state="FINAL", came_to=came_to)


def _taken(world: World, message: Message, rules: Rules) -> World:
    """Return the world after a message arrived."""
    kind, epoch, told = message
    match kind:
        case "envelope":
            is_new = epoch > max(world.clone, world.closed)
            if is_new and world.state in ("", "FINAL"):
                return world._replace(clone=epoch, state="QUEUED", came_to="")
        case "withdrawal":
            return _sent(_withdrawn(world, epoch, rules), ("acknowledgement", epoch, ""))
        case "acknowledgement":
            left = 0 if world.withdrawn <= epoch else world.withdrawn
            return world._replace(withdrawn=left, accepted=max(world.accepted, epoch))
        case "report":
            # The verdict is P3's: here it is not lost.
            world = world._replace(answered=max(world.answered, epoch))
            return _reported(world, epoch, told, rules)
    return world


def _withdrawn(world: World, epoch: int, rules: Rules) -> World:
    is_unknown = epoch > max(world.clone, world.closed)
    world = world._replace(closed=max(world.closed, epoch))
    if world.clone <= epoch and world.state == "QUEUED":
        world = _completed(world, world.clone, "stopped")
    for index, run in enumerate(world.runs):
        if rules.stopped_first and run.epoch <= epoch and not run.over:
            run = run._replace(stopped=True)
            world = _with(world, index, run) if run.runs else _after(world, index, run, rules)
    if is_unknown:  # P5: the envelope may come after it.
        return world._replace(clone=epoch, state="FINAL", came_to="stopped")
    return world


def _reported(world: World, epoch: int, told: str, rules: Rules) -> World:
    is_mine = world.home == "BOUND" and world.epoch == epoch
    if told == "done" and (is_mine or not rules.fenced):
        return _ended(world)
    return _back(world) if is_mine else world


def _with(world: World, index: int, run: There) -> World:
    runs = (*world.runs[:index], run, *world.runs[index + 1 :])
    return world._replace(runs=runs)


def tidy(world: World) -> World:
    """Return the world without messages that can change nothing any more."""
    known = max(world.clone, world.closed)
    left = {
        one
        for one in world.messages
        if not (one[0] == "envelope" and one[1] <= known)
        and not (one[0] == "acknowledgement" and one[1] <= world.accepted != world.withdrawn)
    }
    return world if len(left) == len(world.messages) else world._replace(messages=frozenset(left))
