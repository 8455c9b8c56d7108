"""The spontaneous steps, without any fault: of dispatcher, broker, instance and leader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import JobState
from tests.unit.protocol import statements
from tests.unit.protocol.model import Attempt, Edge, Message, Phase, Step, World
from tests.unit.protocol.recovery import lead, recover

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.protocol.rules import Rules

#: The verdict on an attempt that is no longer the one its job waits for.
STALE = "a write is refused: stale"

#: Phases that an instance ends when it can no longer renew its lease.
LEASED = frozenset({Phase.CLAIMING, Phase.RUNNING, Phase.FINISHING})


def steps(world: World, rules: Rules) -> Iterator[Edge]:
    """Yield everything that can happen next without a fault, and the world after it."""
    yield from _dispatch(world, rules)
    yield from _deliver(world, rules)
    for attempt in world.attempts:
        yield from _attempt(world, attempt, rules)
    yield from lead(world, rules)
    yield from recover(world, rules)


def claim(world: World, attempt: Attempt, rules: Rules, then: Phase) -> World | None:
    """Claim the job for a held delivery; None when it is refused."""
    token = 1 + max(world.job.token, world.job.finisher, *(a.token for a in world.attempts))
    incarnation = world.instances[attempt.instance].incarnation
    job = statements.claim(world.job, attempt, incarnation, token, rules)
    if job is None:
        return None
    return world.with_attempt(attempt, attempt._replace(token=token, phase=then))._replace(job=job)


def finish(
    world: World, attempt: Attempt, outcome: JobState, rules: Rules, then: Phase
) -> World | None:
    """Write the end of a run; None when it is refused."""
    job = statements.finish(world.job, attempt, outcome, rules)
    if job is None:
        return None
    ended = job.final or then == Phase.FINISHING
    rest = (attempt._replace(phase=then),) if ended else ()
    return world.with_attempt(attempt, *rest)._replace(job=job)


def starts(world: World, attempt: Attempt, rules: Rules) -> bool:
    """Tell whether the attempt's instance may begin anything now (A5)."""
    expired = rules.claim_needs_lease and world.instances[attempt.instance].gone
    return world.works(attempt.instance) and not expired


def _dispatch(world: World, rules: Rules) -> Iterator[Edge]:
    job = world.job
    if job.state == JobState.PENDING and world.database:
        # The picture may be old: the instance may be dead or gone by now.
        for index in range(len(world.instances)):
            if index not in world.denied or not rules.bind_matches_version:
                yield from _bind(world, index, rules)
    if world.binding is not None:
        ended = world._replace(binding=None)
        yield Step("the binding that had begun is rolled back", world.binding), ended
        yield from _bind(ended, world.binding, rules)
    if job.state == JobState.QUEUED and job.instance is not None:
        yield from _publish(world, job.instance, rules)
        if world.database and rules.recall:
            recalled = world._replace(job=statements.requeue(job, rules))
            yield Step("the dispatcher recalls the job"), recalled


def _bind(world: World, index: int, rules: Rules) -> Iterator[Edge]:
    current = world.instances[index].incarnation
    pictures = (current,) if rules.bind_reads_incarnation else (current, current - 1)
    for incarnation in pictures:
        job = statements.bind(world.job, index, incarnation, rules)
        if job is not None:
            step = Step(f"the dispatcher binds the job here, epoch {job.epoch}", index)
            bound = world._replace(job=job)
            if rules.republish:
                yield step, bound
            elif not _full(world, index):
                yield step, bound.with_message(Message(index, job.epoch))


def _publish(world: World, index: int, rules: Rules) -> Iterator[Edge]:
    message = Message(index, world.job.epoch)
    if rules.republish and not _is_known(world, message) and not _full(world, index):
        what = f"the dispatcher publishes epoch {message.epoch}"
        yield Step(what, index), world.with_message(message)


def _full(world: World, index: int) -> bool:
    """Tell whether a message waits for the instance: one is enough, faults add more."""
    return any(message.instance == index for message in world.broker)


def _deliver(world: World, rules: Rules) -> Iterator[Edge]:
    for message in set(world.broker):
        full = any(
            attempt.instance == message.instance and attempt.phase == Phase.HELD
            for attempt in world.attempts
        )
        if world.instances[message.instance].awake and not full:
            rest = list(world.broker)
            rest.remove(message)
            taken = world._replace(broker=tuple(rest))
            yield _arrive(taken, message, rules)


def _arrive(world: World, message: Message, rules: Rules) -> Edge:
    what = f"the message of epoch {message.epoch} arrives"
    if rules.arrival_drops_twins and _is_known(world, message):
        return Step(f"{what} and is dropped", message.instance), world
    attempts = (*world.attempts, Attempt(*message))
    return Step(what, message.instance), world._replace(attempts=attempts)


def _is_known(world: World, message: Message) -> bool:
    return any((a.instance, a.epoch) == message for a in world.attempts if a.known)


def _attempt(world: World, attempt: Attempt, rules: Rules) -> Iterator[Edge]:
    if not world.instances[attempt.instance].awake:
        return
    if not world.database:
        if attempt.phase in LEASED:
            ended = world.with_attempt(attempt)._replace(expired=attempt.epoch)
            yield Step.of(attempt, "the lease expires, the run is ended"), ended
    elif attempt.phase in {Phase.HELD, Phase.CLAIMING}:
        if world.spoiled and attempt.phase == Phase.HELD:
            yield _cannot_begin(world, attempt, rules)
        elif starts(world, attempt, rules):
            yield _begin(world, attempt, rules)
    elif attempt.phase == Phase.FINISHED:
        concluded = statements.conclude(world.job, rules) or world.job
        after = world.with_ended(attempt)._replace(job=concluded)
        yield Step.of(attempt, "the attempt concludes the job"), after
    else:
        if attempt.phase != Phase.UNSTARTED:
            yield _end(world, attempt, JobState.SUCCEEDED, rules)
        yield _end(world, attempt, JobState.PENDING, rules)


def _begin(world: World, attempt: Attempt, rules: Rules) -> Edge:
    if attempt.phase == Phase.CLAIMING:
        return _recognise(world, attempt, rules)
    after = claim(world, attempt, rules, then=Phase.RUNNING)
    if after is None:
        return _recognise(world, attempt, rules)
    return Step.of(attempt, f"epoch {attempt.epoch} is claimed and runs"), after


def _cannot_begin(world: World, attempt: Attempt, rules: Rules) -> Edge:
    """Let the agent claim for a delivery that came to nothing; nobody runs that attempt."""
    step = Step.of(attempt, f"epoch {attempt.epoch} fails before its claim")
    claimed = claim(world, attempt, rules, then=Phase.UNSTARTED) if rules.counts_unstarted else None
    if claimed is None:
        return step, world.with_ended(attempt)
    (begun,) = set(claimed.attempts) - set(world.attempts)
    return step, claimed.with_attempt(begun, begun._replace(known=False, dropped=True))


def _end(world: World, attempt: Attempt, outcome: JobState, rules: Rules) -> Edge:
    after = finish(world, attempt, outcome, rules, then=Phase.FINISHED)
    if after is None:
        return _recognise(world, attempt, rules)
    return Step.of(attempt, f"epoch {attempt.epoch} finishes: {after.job.state}"), after


def _recognise(world: World, attempt: Attempt, rules: Rules) -> Edge:
    verdict = statements.reread(world.job, attempt, rules)
    if verdict is None:
        return Step.of(attempt, STALE), world.with_ended(attempt)
    if verdict == Phase.RUNNING and world.job.stop_requested and rules.reread_obeys_stop:
        after = finish(world, attempt, JobState.STOPPED, rules, then=Phase.FINISHED)
        if after is not None:
            return Step.of(attempt, "the attempt ends at once: it shall stop"), after
    after = world.with_attempt(attempt, attempt._replace(phase=verdict))
    return Step.of(attempt, f"the attempt knows its token: {verdict}"), after
