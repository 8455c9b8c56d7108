"""The promises of the fast path, which must hold in every schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType

from offload.core.states import JobState, allowed
from tests.unit.protocol.fast.fast_steps import STALE
from tests.unit.protocol.fast.fast_world import KEPT, Delivery, FastStep, FastWorld, Phase
from tests.unit.protocol.model import NOBODY


class FastBroken(StrEnum):
    """A promise that a schedule breaks."""

    SECOND_FINISH = "the job was made final twice"
    SECOND_RESULT = "the result was written twice"
    ILLEGAL_CHANGE = "the job changed its state against the transition table"
    CLAIMED_AFTER_STOP = "something was claimed after a stop was accepted"
    CLAIMED_WHERE_DENIED = "something was claimed on an instance after a rule had denied it there"
    GRANTED_TO_STOP = "something was granted although its job shall stop"
    BEGUN_WITHOUT_LEASE = "something began on an instance that is gone"
    BEGUN_AFTER_RETURN = "something began that its row does not wait for"
    THROWN_AWAY = "a delivery was called stale although the row is its own"
    HEALTHY_MOVED = "the job was taken from a run that is alive and well"
    END_LOST = "the job runs again although the child that ended it can still say so"
    FALSE_CRASH = "what had not begun, or was over, counts as a crash"
    TWO_AT_ONCE = "two runs of the current epoch at once"
    STUCK = "no final state with its result can be reached any more"


def broken(before: FastWorld, step: FastStep, after: FastWorld) -> Iterator[FastBroken]:
    """Yield every promise that this step breaks."""
    for kind, breaks in _CHECKS.items():
        if breaks(before, step, after):
            yield kind


def _second_finish(before: FastWorld, step: FastStep, after: FastWorld) -> bool:
    return after.job.finishes > 1


def _second_result(before: FastWorld, step: FastStep, after: FastWorld) -> bool:
    return after.job.results > 1


def _illegal_change(before: FastWorld, step: FastStep, after: FastWorld) -> bool:
    old, new = before.job.state, after.job.state
    return old != new and not allowed(old, new)


def _is_claim(before: FastWorld, after: FastWorld) -> bool:
    return (before.job.state, after.job.state) == (JobState.QUEUED, JobState.ACTIVE)


def _claimed_after_stop(before: FastWorld, step: FastStep, after: FastWorld) -> bool:
    return _is_claim(before, after) and before.job.stop_requested


def _claimed_where_denied(before: FastWorld, step: FastStep, after: FastWorld) -> bool:
    return _is_claim(before, after) and before.job.instance in before.denied


def _granted_to_stop(before: FastWorld, step: FastStep, after: FastWorld) -> bool:
    new = set(after.deliveries) - set(before.deliveries)
    return before.job.stop_requested and any(one.phase == Phase.GRANTED for one in new)


def _begun(before: FastWorld, after: FastWorld) -> list[Delivery]:
    new = set(after.deliveries) - set(before.deliveries)
    return [one for one in new if one.phase == Phase.RUNNING]


def _begun_without_lease(before: FastWorld, step: FastStep, after: FastWorld) -> bool:
    return any(before.places[one.instance].gone for one in _begun(before, after))


def _begun_after_return(before: FastWorld, step: FastStep, after: FastWorld) -> bool:
    """Tell of what was taken back; who is gone, and does not know it yet, is another promise."""
    return any(
        not before.owns(one) and not before.places[one.instance].gone
        for one in _begun(before, after)
    )


def _thrown_away(before: FastWorld, step: FastStep, after: FastWorld) -> bool:
    one = step.delivery
    if one is None or not step.what.endswith(STALE):
        return False
    if not before.owns(one) and before.job.token not in {one.before} - {NOBODY}:
        return False
    return before.job.final or before.job.state == JobState.ACTIVE


def _left(before: FastWorld, after: FastWorld) -> bool:
    return before.job.state == JobState.ACTIVE != after.job.state


def _healthy_moved(before: FastWorld, step: FastStep, after: FastWorld) -> bool:
    return _left(before, after) and any(
        before.owns(one) and one.phase == Phase.RUNNING and _is_well(before, one)
        for one in set(before.deliveries) & set(after.deliveries)
    )


def _is_well(world: FastWorld, one: Delivery) -> bool:
    place = world.places[one.instance]
    return place.awake and place.agent and not place.gone


def _end_lost(before: FastWorld, step: FastStep, after: FastWorld) -> bool:
    if not _left(before, after) or after.job.final:
        return False
    ended = (KEPT | {Phase.FORGOTTEN}) - {Phase.FAILED}
    return any(
        before.owns(one) and one.phase in ended and _is_well(before, one)
        for one in before.deliveries
        if one is not step.delivery
    )


def _false_crash(before: FastWorld, step: FastStep, after: FastWorld) -> bool:
    """Tell of crashes that a worker counts itself; who is lost as a whole may have run it."""
    if after.job.crashes == before.job.crashes or not _is_told(before, step):
        return False
    over = step.delivery is not None and step.delivery.phase != Phase.CRASHED
    return over or before.began != before.job.token


def _is_told(before: FastWorld, step: FastStep) -> bool:
    """Tell whether a worker says this of its own children."""
    place = None if step.who is None else before.places[step.who]
    return place is not None and place.alive and not place.gone


def _two_at_once(before: FastWorld, step: FastStep, after: FastWorld) -> bool:
    running = [one for one in after.deliveries if one.phase == Phase.RUNNING]
    return len([one for one in running if one.epoch == after.job.epoch]) > 1


Check = Callable[[FastWorld, FastStep, FastWorld], bool]

_CHECKS: Mapping[FastBroken, Check] = MappingProxyType(
    {
        FastBroken.SECOND_FINISH: _second_finish,
        FastBroken.SECOND_RESULT: _second_result,
        FastBroken.ILLEGAL_CHANGE: _illegal_change,
        FastBroken.CLAIMED_AFTER_STOP: _claimed_after_stop,
        FastBroken.CLAIMED_WHERE_DENIED: _claimed_where_denied,
        FastBroken.GRANTED_TO_STOP: _granted_to_stop,
        FastBroken.BEGUN_WITHOUT_LEASE: _begun_without_lease,
        FastBroken.BEGUN_AFTER_RETURN: _begun_after_return,
        FastBroken.THROWN_AWAY: _thrown_away,
        FastBroken.HEALTHY_MOVED: _healthy_moved,
        FastBroken.END_LOST: _end_lost,
        FastBroken.FALSE_CRASH: _false_crash,
        FastBroken.TWO_AT_ONCE: _two_at_once,
    }
)
