"""The faults of the fast path. A schedule has at most two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from offload.core.states import JobState
from tests.unit.protocol import statements
from tests.unit.protocol.fast.fast_steps import claimed, ended
from tests.unit.protocol.fast.fast_world import (
    ALL,
    KEPT,
    UNSTARTED,
    FastRules,
    FastStep,
    FastWorld,
    Phase,
)
from tests.unit.protocol.model import Message

Edges = Iterator[tuple[FastStep, FastWorld]]


def kill(world: FastWorld, rules: FastRules) -> Edges:
    """Kill a worker with its pool and its agent; its messages stay in the broker."""
    for index, place in enumerate(world.places):
        if place.alive:
            rest = tuple(one for one in world.deliveries if one.instance != index)
            dead = world.with_place(index, place._replace(alive=False, agent=False, paused=False))
            yield FastStep("is killed", index), dead._replace(deliveries=rest)


def agent_kill(world: FastWorld, rules: FastRules) -> Edges:
    """Kill the agent alone: what it knew, and had not said, is lost."""
    for index, place in enumerate(world.places):
        if place.alive and place.agent:
            dead = world.with_place(index, place._replace(agent=False))
            yield FastStep("its agent is killed", index), _forgotten(dead, index, rules)


def _forgotten(world: FastWorld, index: int, rules: FastRules) -> FastWorld:
    """Return what is left of deliveries without the agent that dealt with them."""
    after = world
    for one in world.deliveries:
        if one.instance != index:
            continue
        if one.phase == Phase.FINISHED:
            after = after.with_delivery(one)
        elif one.phase in KEPT and not rules.keeps_ends:
            after = after.now(one, Phase.FORGOTTEN)
        elif one.phase == Phase.GATED and not rules.token_of_delivery:
            other = one._replace(token=after.next_token(), before=one.token)
            after = after.with_delivery(one, other)
    return after


def child_kill(world: FastWorld, rules: FastRules) -> Edges:
    """Kill a child that runs, or that keeps an end."""
    for one in world.deliveries:
        if one.phase == Phase.RUNNING:
            yield FastStep.at(one, "loses its child"), world.now(one, Phase.CRASHED)
        if one.phase in KEPT:
            yield FastStep.at(one, "loses its end"), world.now(one, Phase.UNREPORTED)


def reply_lost(world: FastWorld, rules: FastRules) -> Edges:
    """Commit a claim or an end, and lose the answer of the database."""
    for one in world.deliveries:
        if not world.works(one.instance):
            continue
        if one.phase == Phase.GATED and not world.places[one.instance].gone:
            after = claimed(world, one, Phase.GATED)
            if after is not None:
                yield FastStep.at(one, "is claimed, and nobody hears of it"), after
        if one.phase in KEPT:
            _, after = ended(world, one, rules, then=one.phase)
            if after.job is not world.job:
                yield FastStep.at(one, "is ended, and nobody hears of it"), after


def duplicate(world: FastWorld, rules: FastRules) -> Edges:
    """Deliver once more what is in the broker or was delivered already."""
    delivered = {Message(one.instance, one.epoch) for one in world.deliveries}
    for message in {*world.broker, *delivered}:
        doubled = world._replace(broker=(*world.broker, message))
        yield FastStep(f"the message of epoch {message.epoch} is doubled"), doubled


def broker_loss(world: FastWorld, rules: FastRules) -> Edges:
    """Restart the broker without its data."""
    if world.broker:
        yield FastStep("the broker loses its messages"), world._replace(broker=())


def drop(world: FastWorld, rules: FastRules) -> Edges:
    """Let a parent process lose what has not begun."""
    for one in world.deliveries:
        if one.phase in UNSTARTED:
            yield FastStep.at(one, f"is lost: {one.phase}"), world.with_delivery(one)


def busy(world: FastWorld, rules: FastRules) -> Edges:
    """Let long runs of other jobs take all children of a worker: not wrong, but it takes time."""
    for index, place in enumerate(world.places):
        if not place.busy:
            taken = world.with_place(index, place._replace(busy=True))
            yield FastStep("its children are busy", index), taken


def stop(world: FastWorld, rules: FastRules) -> Edges:
    """Ask for the job to stop, and have that accepted."""
    job = statements.stop(world.job, ALL)
    if world.database and job is not None:
        yield FastStep("a stop is accepted"), world._replace(job=job)


def deny(world: FastWorld, rules: FastRules) -> Edges:
    """Deny the job on an instance; what is bound there is taken back in the same transaction."""
    for index in range(len(world.places)):
        if world.database and index not in world.denied:
            after = world._replace(denied=world.denied | {index})
            if (JobState.QUEUED, index) == (world.job.state, world.job.instance):
                after = after._replace(job=statements.requeue(world.job, ALL))
            yield FastStep("a rule denies the job here", index), after


def pause(world: FastWorld, rules: FastRules) -> Edges:
    """Freeze a worker with its pool and its agent (SIGSTOP)."""
    for index, place in enumerate(world.places):
        if place.awake:
            frozen = world.with_place(index, place._replace(paused=True))
            yield FastStep("is paused (SIGSTOP)", index), frozen


def database_out(world: FastWorld, rules: FastRules) -> Edges:
    """Take the database away for a while."""
    if world.database:
        yield FastStep("the database is away"), world._replace(database=False)


Fault = Callable[[FastWorld, FastRules], Edges]

FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "kill": kill,
        "agent kill": agent_kill,
        "child kill": child_kill,
        "reply lost": reply_lost,
        "duplicate": duplicate,
        "broker loss": broker_loss,
        "drop": drop,
        "busy": busy,
        "stop": stop,
        "deny": deny,
        "pause": pause,
        "database out": database_out,
    }
)
