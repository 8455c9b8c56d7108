"""Recovery: the leader's duties, reconciling, and returning parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import JobState
from tests.unit.protocol import statements
from tests.unit.protocol.model import Edge, Instance, Step, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.protocol.rules import Rules

BOUND = frozenset({JobState.QUEUED, JobState.ACTIVE})


def lead(world: World, rules: Rules) -> Iterator[Edge]:
    """Yield the leader's possible actions: declare gone, move, conclude."""
    if not world.led:
        return
    for index, instance in enumerate(world.instances):
        if not instance.awake and not instance.gone:
            yield Step("is declared gone", index), _declare_gone(world, index, rules)
    if rules.move_asks_rows and _bound_to_nobody(world):
        yield Step("the leader moves the job"), _given_back(world, rules)
    if world.job.final and world.job.aftermath_due:
        concluded = statements.conclude(world.job, rules)
        if concluded is not None:
            yield Step("the leader concludes the job"), world._replace(job=concluded)


def recover(world: World, rules: Rules) -> Iterator[Edge]:
    """Yield the parts that come back, and the discoveries of each instance about itself."""
    if not world.database:
        yield Step("the database is back"), world._replace(database=True)
    missed = not world.served
    for index, instance in enumerate(world.instances):
        if instance.paused:
            after = world.with_instance(index, instance._replace(paused=False))
            yield Step("continues (SIGCONT)", index, relied_on=missed), after
        if world.database and index in world.denied:
            cleared = world._replace(denied=world.denied - {index})
            yield Step("the rule that denies the job here is cleared", index, missed), cleared
        if world.database and not instance.alive:
            yield Step("boots", index, relied_on=missed), _register(world, index, rules)
        if world.works(index) and instance.gone:
            yield Step("finds itself gone", index), _register(world, index, rules)
        if world.works(index) and rules.reconcile and _lost(world, index):
            what = "reconciles: its row runs, its parent process does not know the attempt"
            # R10: over an outage nobody learns what became of a run.
            crash = world.expired != world.job.epoch
            yield Step(what, index), _given_back(world, rules, crash=crash)


def _declare_gone(world: World, index: int, rules: Rules) -> World:
    instance = world.instances[index]
    declared = world.with_instance(index, instance._replace(gone=True))
    if not rules.move_asks_rows and _bound_to_nobody(declared):
        return _given_back(declared, rules)
    return declared


def _bound_to_nobody(world: World) -> bool:
    job = world.job
    if job.state not in BOUND or job.instance is None:
        return False
    instance = world.instances[job.instance]
    return instance.gone or instance.incarnation != job.incarnation


def _register(world: World, index: int, rules: Rules) -> World:
    instance = Instance(incarnation=world.instances[index].incarnation + 1)
    registered = world.with_instance(index, instance)
    mine = world.job.instance == index
    if rules.register_moves and mine and _bound_to_nobody(registered):
        return _given_back(registered, rules)
    return registered


def _lost(world: World, index: int) -> bool:
    job, instance = world.job, world.instances[index]
    mine = (index, instance.incarnation, False)
    if job.state != JobState.ACTIVE or (job.instance, job.incarnation, instance.gone) != mine:
        return False
    return not any(
        attempt.known and (attempt.instance, attempt.epoch) == (index, job.epoch)
        for attempt in world.attempts
    )


def _given_back(world: World, rules: Rules, *, crash: bool = True) -> World:
    return world._replace(job=statements.give_back(world.job, rules, crash=crash))
