"""The promises, which must hold in every schedule, and the reports of violations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType

from offload.core.states import JobState, allowed
from tests.unit.protocol.model import Attempt, Phase, Step, World
from tests.unit.protocol.steps import LEASED, STALE


class Broken(StrEnum):
    """A promise that a schedule breaks."""

    SECOND_FINISH = "the job was made final twice"
    SECOND_RESULT = "the result was written twice"
    ILLEGAL_CHANGE = "the job changed its state against the transition table"
    STARTED_AFTER_STOP = "something started after a stop was accepted"
    STARTED_WHERE_DENIED = "something started on an instance after a rule had denied it there"
    STARTED_WITHOUT_LEASE = "something started on an instance that is gone"
    STALE_WRITE = "a stale attempt changed the row"
    THROWN_AWAY = "an attempt was called stale although the row is its own"
    FALSE_FINISH = "an attempt believes that the end another one wrote is its own"
    HEALTHY_MOVED = "the job was taken from an attempt that is alive and well"
    TWO_AT_ONCE = "two attempts of the current epoch run at once"
    STARTED_AGAIN = "something started again after a run was lost that must not run again"
    STUCK = "no final state with its result can be reached any more"


def broken(before: World, step: Step, after: World) -> Iterator[Broken]:
    """Yield every promise that this step breaks."""
    if before.job is after.job and before.attempts is after.attempts:
        return
    for kind, breaks in _CHECKS.items():
        if breaks(before, step, after):
            yield kind


def _second_finish(before: World, step: Step, after: World) -> bool:
    return after.job.finishes > 1


def _second_result(before: World, step: Step, after: World) -> bool:
    return after.job.results > 1


def _illegal_change(before: World, step: Step, after: World) -> bool:
    old, new = before.job.state, after.job.state
    same = before.job.before == after.job.before
    return same and old != new and not allowed(old, new)


def _started_after_stop(before: World, step: Step, after: World) -> bool:
    return before.job.stop_requested and bool(_started(before, after))


def _started_again(before: World, step: Step, after: World) -> bool:
    return before.job.is_lost and bool(_started(before, after))


def _started_where_denied(before: World, step: Step, after: World) -> bool:
    """Tell of a claim alone: what was claimed before the rule has begun before it."""
    if before.job.state == JobState.ACTIVE:
        return False
    return any(attempt.instance in before.denied for attempt in _started(before, after))


def _started_without_lease(before: World, step: Step, after: World) -> bool:
    return any(before.instances[attempt.instance].gone for attempt in _started(before, after))


def _stale_write(before: World, step: Step, after: World) -> bool:
    attempt = step.by
    if attempt is None or after.job.state == before.job.state:
        return False
    unknown = attempt.phase != Phase.HELD and attempt.token != before.job.token
    return unknown or attempt.epoch != before.job.epoch


def _thrown_away(before: World, step: Step, after: World) -> bool:
    if step.by is None or step.what != STALE or not _owns(before, step.by):
        return False
    return before.job.final or before.job.state == JobState.ACTIVE


def _false_finish(before: World, step: Step, after: World) -> bool:
    return any(
        attempt.phase == Phase.FINISHED and attempt.token != after.job.finisher
        for attempt in after.attempts
        if attempt.epoch > after.job.since
    )


def _healthy_moved(before: World, step: Step, after: World) -> bool:
    if before.job.state != JobState.ACTIVE or after.job.state == JobState.ACTIVE:
        return False
    return any(
        _owns(before, attempt) and not attempt.dropped and _well(before, attempt)
        for attempt in set(before.attempts) & set(after.attempts)
    )


def _two_at_once(before: World, step: Step, after: World) -> bool:
    current = [a for a in after.attempts if a.phase in LEASED and a.epoch == after.job.epoch]
    return len(current) > 1


def _owns(world: World, attempt: Attempt) -> bool:
    return attempt.token == world.job.token and attempt.phase != Phase.HELD


def _well(world: World, attempt: Attempt) -> bool:
    instance = world.instances[attempt.instance]
    return instance.awake and not instance.gone


def _started(before: World, after: World) -> list[Attempt]:
    """List what began to run, or may do so by a claim whose reply is lost."""
    ran = {attempt.token for attempt in before.attempts if attempt.phase == Phase.RUNNING}
    claimed = before.job.state != JobState.ACTIVE and after.job.state == JobState.ACTIVE
    return [
        attempt
        for attempt in after.attempts
        if (attempt.phase == Phase.RUNNING and attempt.token not in ran)
        or (claimed and attempt.token == after.job.token and attempt.phase != Phase.UNSTARTED)
    ]


Check = Callable[[World, Step, World], bool]

_CHECKS: Mapping[Broken, Check] = MappingProxyType(
    {
        Broken.SECOND_FINISH: _second_finish,
        Broken.SECOND_RESULT: _second_result,
        Broken.ILLEGAL_CHANGE: _illegal_change,
        Broken.STARTED_AFTER_STOP: _started_after_stop,
        Broken.STARTED_AGAIN: _started_again,
        Broken.STARTED_WHERE_DENIED: _started_where_denied,
        Broken.STARTED_WITHOUT_LEASE: _started_without_lease,
        Broken.STALE_WRITE: _stale_write,
        Broken.THROWN_AWAY: _thrown_away,
        Broken.FALSE_FINISH: _false_finish,
        Broken.HEALTHY_MOVED: _healthy_moved,
        Broken.TWO_AT_ONCE: _two_at_once,
    }
)
