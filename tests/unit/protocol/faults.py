"""The faults. A schedule has at most two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from offload.core.states import JobState
from tests.unit.protocol import statements, steps
from tests.unit.protocol.model import Attempt, Edge, Message, Phase, Step, World
from tests.unit.protocol.rules import Rules


def kill(world: World, rules: Rules) -> Iterator[Edge]:
    """Kill an instance with all that runs there; its messages stay in the broker."""
    for index, instance in enumerate(world.instances):
        if instance.alive:
            rest = tuple(a for a in world.attempts if a.instance != index)
            dead = world.with_instance(index, instance._replace(alive=False, paused=False))
            yield Step("is killed", index), dead._replace(attempts=rest)


def child_kill(world: World, rules: Rules) -> Iterator[Edge]:
    """Kill a pool child, between any two of its statements."""
    for attempt in world.attempts:
        if attempt.phase != Phase.HELD:
            what = f"the pool child that is {attempt.phase} is killed"
            yield Step.of(attempt, what), world.with_attempt(attempt)


def reply_lost(world: World, rules: Rules) -> Iterator[Edge]:
    """Commit a claim or a finish, and lose the answer of the database."""
    for attempt in world.attempts:
        if attempt.phase == Phase.HELD and steps.starts(world, attempt, rules):
            claimed = steps.claim(world, attempt, rules, then=Phase.CLAIMING)
            yield from _committed(attempt, "claim", claimed)
        if attempt.phase == Phase.RUNNING and world.works(attempt.instance):
            for outcome in (JobState.SUCCEEDED, JobState.PENDING):
                ended = steps.finish(world, attempt, outcome, rules, then=Phase.FINISHING)
                yield from _committed(attempt, "finish", ended)


def duplicate(world: World, rules: Rules) -> Iterator[Edge]:
    """Deliver once more what is in the broker or was delivered already."""
    delivered = {Message(attempt.instance, attempt.epoch) for attempt in world.attempts}
    for message in {*world.broker, *delivered}:
        what = f"the message of epoch {message.epoch} is doubled"
        yield Step(what, message.instance), world.with_message(message)


def broker_loss(world: World, rules: Rules) -> Iterator[Edge]:
    """Restart the broker without its data."""
    if world.broker:
        yield Step("the broker loses its messages"), world._replace(broker=())


def stop(world: World, rules: Rules) -> Iterator[Edge]:
    """Ask for the job to stop, and have that accepted."""
    job = statements.stop(world.job, rules)
    if world.database and job is not None:
        yield Step("a stop is accepted"), world._replace(job=job)


def deny(world: World, rules: Rules) -> Iterator[Edge]:
    """Deny the job on an instance: not wrong, but what is on its way there may begin now."""
    what = "a rule that denies the job here is committed"
    for index in range(len(world.instances)):
        if world.database and index not in world.denied:
            after = _denied(world, index, rules)
            yield Step(what, index), after
            if world.job.state == JobState.PENDING and not rules.rule_waits_for_bindings:
                during = after._replace(binding=index)
                yield Step(f"{what}, while the job is being bound here", index), during


def _denied(world: World, index: int, rules: Rules) -> World:
    after = world._replace(denied=world.denied | {index})
    unstarted = (JobState.QUEUED, index) == (world.job.state, world.job.instance)
    if not unstarted or not rules.rule_recalls:
        return after
    return after._replace(job=statements.requeue(world.job, rules))


def again(world: World, rules: Rules) -> Iterator[Edge]:
    """Send the job again under its id: not wrong, but what is left of it may do wrong now."""
    job = statements.again(world.job, rules)
    if world.database and job is not None:
        yield Step("the job is sent again under its id"), world._replace(job=job)


def pause(world: World, rules: Rules) -> Iterator[Edge]:
    """Freeze an instance with all that runs there (SIGSTOP)."""
    for index, instance in enumerate(world.instances):
        if instance.awake:
            frozen = world.with_instance(index, instance._replace(paused=True))
            yield Step("is paused (SIGSTOP)", index), frozen


def database_out(world: World, rules: Rules) -> Iterator[Edge]:
    """Take the database away for a while."""
    if world.database:
        away = world._replace(database=False, binding=None)
        yield Step("the database is away"), away


def drop(world: World, rules: Rules) -> Iterator[Edge]:
    """Let a parent process lose a request: what was held is lost, what runs is forgotten."""
    for attempt in world.attempts:
        if attempt.known:
            rest = (
                ()
                if attempt.phase == Phase.HELD
                else (attempt._replace(known=False, dropped=True),)
            )
            what = f"the parent process drops a request that is {attempt.phase}"
            yield Step.of(attempt, what), world.with_attempt(attempt, *rest)


def forge(world: World, rules: Rules) -> Iterator[Edge]:
    """Send a message of the current binding to an instance that the job is not bound to."""
    if world.job.state == JobState.QUEUED:
        for index in range(len(world.instances)):
            if index != world.job.instance:
                forged = world.with_message(Message(index, world.job.epoch))
                yield Step(f"a message of epoch {world.job.epoch} is forged", index), forged


def spoil(world: World, rules: Rules) -> Iterator[Edge]:
    """Let nothing be begun from any message of the job any more."""
    if not world.spoiled:
        yield Step("no delivery can be begun any more"), world._replace(spoiled=True)


Fault = Callable[[World, Rules], Iterator[Edge]]

FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "kill": kill,
        "child kill": child_kill,
        "reply lost": reply_lost,
        "duplicate": duplicate,
        "broker loss": broker_loss,
        "stop": stop,
        "deny": deny,
        "again": again,
        "pause": pause,
        "database out": database_out,
        "drop": drop,
        "forgery": forge,
        "spoiled": spoil,
    }
)


def _committed(attempt: Attempt, what: str, after: World | None) -> Iterator[Edge]:
    if after is not None:
        lost = f"epoch {attempt.epoch}: the {what} is committed ({after.job.state}), the reply lost"
        yield Step.of(attempt, lost), after
