"""The spontaneous steps of the fast path: dispatcher, broker, parent, child, agent and leader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import JobState
from tests.unit.protocol import statements
from tests.unit.protocol.fast.fast_recovery import lead, recover
from tests.unit.protocol.fast.fast_world import ALL, KEPT, Delivery, FastStep, Phase, is_known
from tests.unit.protocol.model import Message

if TYPE_CHECKING:
    from tests.unit.protocol.fast.fast_world import Edges, FastRules, FastWorld

#: The verdict on a delivery that its job does not wait for.
STALE = "is stale, and dropped"


def steps(world: FastWorld, rules: FastRules) -> Edges:
    """Yield everything that can happen next without a fault, and the world after it."""
    yield from _dispatch(world)
    yield from _deliver(world)
    for delivery in world.deliveries:
        if world.places[delivery.instance].awake:
            yield from _worker(world, delivery, rules)
            if world.works(delivery.instance):
                yield from _agent(world, delivery, rules)
    if world.led:
        yield from lead(world)
    yield from recover(world, rules)


def _dispatch(world: FastWorld) -> Edges:
    job = world.job
    if not world.database:
        return
    if job.state == JobState.PENDING:
        for index, place in enumerate(world.places):
            bound = statements.bind(job, index, place.incarnation, ALL)
            if index not in world.denied and bound is not None:
                yield FastStep("the job is bound here", index), world._replace(job=bound)
    if job.state == JobState.QUEUED and job.instance is not None:
        message = Message(job.instance, job.epoch)
        if not is_known(world, message) and message.instance not in {to for to, _ in world.broker}:
            sent = world._replace(broker=(*world.broker, message))
            yield FastStep(f"epoch {job.epoch} is published", job.instance), sent
        recalled = world._replace(job=statements.requeue(job, ALL))
        yield FastStep("the job is recalled"), recalled


def _deliver(world: FastWorld) -> Edges:
    for message in set(world.broker):
        gated = [one for one in world.deliveries if one.instance == message.instance]
        full = any(one.phase == Phase.GATED for one in gated)
        if not world.places[message.instance].awake or full:
            continue
        rest = list(world.broker)
        rest.remove(message)
        taken = world._replace(broker=tuple(rest))
        step = FastStep(f"the message of epoch {message.epoch} arrives", message.instance)
        if is_known(world, message):
            yield step, taken
        else:
            arrived = Delivery(*message, world.next_token())
            yield step, taken._replace(deliveries=(*world.deliveries, arrived))


def _worker(world: FastWorld, one: Delivery, rules: FastRules) -> Edges:
    """What a parent process and its children do without the database and the agent."""
    place = world.places[one.instance]
    if one.phase == Phase.GRANTED:
        yield FastStep.at(one, "is admitted"), world.now(one, Phase.ADMITTED)
    if one.phase == Phase.ADMITTED:
        named = one.incarnation == place.incarnation or not rules.begin_matches_incarnation
        expired = place.gone and rules.begin_needs_lease
        if named and not expired and not place.busy:
            begun = world.now(one, Phase.RUNNING)._replace(began=one.token)
            yield FastStep.at(one, "begins"), begun
        elif not named:
            yield FastStep.at(one, "was granted to another incarnation"), world.with_delivery(one)
    if one.phase == Phase.RUNNING:
        yield FastStep.at(one, "succeeds in its child"), world.now(one, Phase.SUCCEEDED)
        yield FastStep.at(one, "fails in its child"), world.now(one, Phase.FAILED)
        if not world.database:
            yield FastStep.at(one, "is ended: the lease expired"), world.now(one, Phase.UNREPORTED)


def _agent(world: FastWorld, one: Delivery, rules: FastRules) -> Edges:
    """What the agent of a worker does with what the worker holds."""
    if one.phase == Phase.GATED and not world.places[one.instance].gone:
        yield _claimed(world, one, rules)
    elif one.phase in {Phase.GRANTED, Phase.ADMITTED} and rules.withdraws:
        yield from _withdrawn(world, one, rules)
    elif one.phase in KEPT:
        yield ended(world, one, rules, then=Phase.FINISHED)
    elif one.phase == Phase.FINISHED:
        concluded = statements.conclude(world.job, ALL) or world.job
        after = world.with_delivery(one)._replace(job=concluded)
        yield FastStep.at(one, "is concluded"), after
    elif one.phase in {Phase.WITHDRAWN, Phase.CRASHED, Phase.UNREPORTED}:
        crash = one.phase == Phase.CRASHED or (
            one.phase == Phase.UNREPORTED and not rules.unreported_is_no_crash
        )
        after = given_back(world, one, crash=crash)
        yield FastStep.at(one, f"is given back: {one.phase}"), after.with_delivery(one)


def claimed(world: FastWorld, one: Delivery, then: Phase) -> FastWorld | None:
    """Claim for a delivery at the gate; None when it is refused."""
    incarnation = world.places[one.instance].incarnation
    job = statements.claim(world.job, one.attempt, incarnation, one.token, ALL)
    if job is None:
        return None
    granted = one._replace(phase=then, incarnation=incarnation)
    return world.with_delivery(one, granted)._replace(job=job)


def _claimed(world: FastWorld, one: Delivery, rules: FastRules) -> tuple[FastStep, FastWorld]:
    after = claimed(world, one, Phase.GRANTED)
    if after is not None:
        return FastStep.at(one, "is claimed and granted"), after
    if not world.owns(one) or world.job.state != JobState.ACTIVE:
        return FastStep.at(one, STALE), world.with_delivery(one)
    if world.job.stop_requested and rules.grant_obeys_stop:
        return FastStep.at(one, "shall stop, and is not granted"), given_back(
            world, one, crash=False
        ).with_delivery(one)
    again = one._replace(phase=Phase.GRANTED, incarnation=world.job.incarnation)
    return FastStep.at(one, "is granted: its token is known"), world.with_delivery(one, again)


def _withdrawn(world: FastWorld, one: Delivery, rules: FastRules) -> Edges:
    claimed_here = world.owns(one) and world.job.state == JobState.ACTIVE
    if not (claimed_here and world.is_unwanted(one.instance)):
        return
    if rules.withdraws_first:
        yield FastStep.at(one, "is withdrawn"), world.now(one, Phase.WITHDRAWN)
    else:
        yield FastStep.at(one, "is given back at once"), given_back(world, one, crash=False)


def ended(
    world: FastWorld, one: Delivery, rules: FastRules, then: Phase
) -> tuple[FastStep, FastWorld]:
    """Commit the end that a child keeps, or recognise that it is committed."""
    outcome = JobState.SUCCEEDED if one.phase == Phase.SUCCEEDED else JobState.PENDING
    job = statements.finish(world.job, one.attempt, outcome, ALL)
    if job is not None:
        step = FastStep.at(one, f"is ended: {job.state}")
        if not job.final and then == Phase.FINISHED:
            return step, world.with_delivery(one)._replace(job=job)
        return step, world.now(one, then)._replace(job=job)
    if rules.rereads_ends and world.owns(one) and world.job.final:
        return FastStep.at(one, "knows its end"), world.now(one, Phase.FINISHED)
    return FastStep.at(one, STALE), world.with_delivery(one)


def given_back(world: FastWorld, one: Delivery, *, crash: bool) -> FastWorld:
    """Give a row back that is this delivery's; a run that is lost may count as a crash."""
    if not world.owns(one) or world.job.state != JobState.ACTIVE:
        return world
    return world._replace(job=statements.give_back(world.job, ALL, crash=crash))
