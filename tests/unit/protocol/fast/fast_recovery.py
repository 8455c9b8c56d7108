"""Recovery on the fast path: the leader's duties, and parts that come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import JobState
from tests.unit.protocol import statements
from tests.unit.protocol.fast.fast_world import ALL, FastStep, FastWorld, Place, is_known
from tests.unit.protocol.model import NOBODY, Message
from tests.unit.protocol.recovery import BOUND

if TYPE_CHECKING:
    from tests.unit.protocol.fast.fast_world import Edges, FastRules


def lead(world: FastWorld) -> Edges:
    for index, place in enumerate(world.places):
        if not (place.awake and place.agent) and not place.gone:
            yield (
                FastStep("is declared gone", index),
                world.with_place(index, place._replace(gone=True)),
            )
    if _is_bound_to_nobody(world):
        job = statements.give_back(world.job, ALL)
        yield FastStep("the leader moves the job"), world._replace(job=job)
    if world.job.final and world.job.aftermath_due:
        concluded = statements.conclude(world.job, ALL)
        if concluded is not None:
            yield FastStep("the leader concludes the job"), world._replace(job=concluded)


def _is_bound_to_nobody(world: FastWorld) -> bool:
    job = world.job
    if job.state not in BOUND or job.instance is None:
        return False
    place = world.places[job.instance]
    return place.gone or place.incarnation != job.incarnation


def recover(world: FastWorld, rules: FastRules) -> Edges:
    if not world.database:
        yield FastStep("the database is back"), world._replace(database=True)
    missed = not world.served
    for index, place in enumerate(world.places):
        if place.paused:
            awake = world.with_place(index, place._replace(paused=False))
            yield FastStep("continues (SIGCONT)", index, relied_on=missed), awake
        if place.busy:
            free = world.with_place(index, place._replace(busy=False))
            wanted = not world.is_unwanted(index)
            yield FastStep("has a free child", index, relied_on=wanted), free
        if place.awake and not place.agent:
            yield (
                FastStep("another agent starts", index),
                world.with_place(index, place._replace(agent=True)),
            )
        if world.database and index in world.denied:
            cleared = world._replace(denied=world.denied - {index})
            yield FastStep("the rule is cleared", index, relied_on=missed), cleared
        if world.database and not place.alive:
            yield FastStep("boots", index, relied_on=missed), _registered(world, index)
        if world.works(index) and place.gone:
            yield FastStep("finds itself gone", index), _registered(world, index)
        if world.works(index) and rules.reconcile and _is_lost(world, index):
            job = statements.give_back(world.job, ALL, crash=not rules.unknown_is_no_crash)
            step = FastStep("gives back a row that nobody here knows", index)
            yield step, world._replace(job=job)


def _registered(world: FastWorld, index: int) -> FastWorld:
    after = world.with_place(index, Place(incarnation=world.places[index].incarnation + 1))
    if world.job.instance == index and _is_bound_to_nobody(after):
        return after._replace(job=statements.give_back(world.job, ALL))
    return after


def _is_lost(world: FastWorld, index: int) -> bool:
    job, place = world.job, world.places[index]
    mine = (index, place.incarnation, False)
    if job.state != JobState.ACTIVE or (job.instance, job.incarnation, place.gone) != mine:
        return False
    if job.token == NOBODY:
        return True
    return not is_known(world, Message(index, job.epoch))
