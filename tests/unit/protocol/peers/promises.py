"""What must hold between two clusters in every schedule, and how it looks when it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from offload.core.states import JobState, allowed
from tests.unit.protocol.peers.model import Kind, Place, Verdict, World

if TYPE_CHECKING:
    from tests.unit.protocol.model import Step


class PeerBroken(StrEnum):
    """A promise between peers that a schedule breaks."""

    SECOND_FINISH = "the job was made final twice"
    ILLEGAL_CHANGE = "the job changed its state against the transition table"
    STALE_WRITE = "a report of another binding changed home's row"
    STARTED_AFTER_END = "something started after a stop was accepted or the job was over"
    TWO_AT_ONCE = "two runs overlap, of which none was left behind in silence"
    TWO_IN_ONE_CLUSTER = "a run began in a cluster where an older one still runs"
    WITHOUT_INPUTS = "a run began before its inputs were there"
    WITHOUT_OUTPUTS = "the job succeeded before its outputs were there"
    OTHER_OUTPUTS = "home shows outputs of a run that did not end the job"
    FALSE_VERDICT = "a report that home had taken was called stale"
    STUCK = "home cannot bring the job to its end any more"
    REST = "something is left of the job between the clusters"


def broken(before: World, step: Step, after: World) -> Iterator[PeerBroken]:
    """Yield every promise that this step breaks."""
    for kind, breaks in _CHECKS.items():
        if breaks(before, after):
            yield kind


def _second_finish(before: World, after: World) -> bool:
    return after.job.finishes > 1


def _illegal_change(before: World, after: World) -> bool:
    return not any(_may_change(old, after.job.state) for old in _passed(before, after))


def _passed(before: World, after: World) -> list[JobState]:
    """List the states that the step may have gone through: a report tells of the beginning too."""
    old = before.job.state
    return [old, JobState.ACTIVE] if old == JobState.QUEUED and before.at_peer else [old]


def _may_change(old: JobState, new: JobState) -> bool:
    return old == new or allowed(old, new)


def _stale_write(before: World, after: World) -> bool:
    """Tell whether a report was taken that is not of the binding in home's row."""
    if after.heard == before.heard or after.job is before.job:
        return False
    return not before.at_peer or after.heard[0] != before.job.epoch


def _started_after_end(before: World, after: World) -> bool:
    return (before.stopped or before.job.final) and len(after.runs) > len(before.runs)


def _two_at_once(before: World, after: World) -> bool:
    return len([run for run in after.runs if not run.left]) > 1


def _two_in_one_cluster(before: World, after: World) -> bool:
    places = [run.place == Place.HOME for run in after.runs]
    return len(places) > len(set(places))


def _without_inputs(before: World, after: World) -> bool:
    at_peer = [run for run in after.runs if run.place != Place.HOME and run not in before.runs]
    return after.files and bool(at_peer) and not after.peer.inputs


def _without_outputs(before: World, after: World) -> bool:
    ends = before.at_peer and after.job.state == JobState.SUCCEEDED
    return after.files and ends and not after.visible


def _other_outputs(before: World, after: World) -> bool:
    return any(row != maker for row, maker in after.visible)


def _false_verdict(before: World, after: World) -> bool:
    epoch, number = before.heard
    return not before.purged and any(
        (message.kind, message.says, message.epoch) == (Kind.VERDICT, Verdict.STALE, epoch)
        and message.number <= number
        for message in set(after.link) - set(before.link)
    )


Check = Callable[[World, World], bool]

_CHECKS: Mapping[PeerBroken, Check] = MappingProxyType(
    {
        PeerBroken.SECOND_FINISH: _second_finish,
        PeerBroken.ILLEGAL_CHANGE: _illegal_change,
        PeerBroken.STALE_WRITE: _stale_write,
        PeerBroken.STARTED_AFTER_END: _started_after_end,
        PeerBroken.TWO_AT_ONCE: _two_at_once,
        PeerBroken.TWO_IN_ONE_CLUSTER: _two_in_one_cluster,
        PeerBroken.WITHOUT_INPUTS: _without_inputs,
        PeerBroken.WITHOUT_OUTPUTS: _without_outputs,
        PeerBroken.OTHER_OUTPUTS: _other_outputs,
        PeerBroken.FALSE_VERDICT: _false_verdict,
    }
)
