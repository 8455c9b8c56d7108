"""The outlook for a job of a topic now, in words, with the step that would change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.placement.judgement import noted
from offload.core.placement.reasons import Obstacle
from offload.core.placement.routing import Route, Unroutable
from offload.core.policies import QueueType
from offload.core.states import Waiting
from offload.fleet.consumers import has_one_here
from offload.fleet.snapshots import now
from offload.reading import verdicts
from offload.tracking.limits import allowed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.placement.reasons import Verdict
    from offload.core.policies import Policy
    from offload.fleet.snapshots import Snapshot
    from offload.reading.instance_rows import Line

ALL_GONE = "Every worker that is known is gone. Start one that has a consumer for {topic}."
NEWER_HERE = (
    "No instance has a consumer for {topic}, but the code here has one: "
    "restart the workers with it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Where a job would run, or why it would wait."""

    sentence: str
    #: What to do about it; empty where nothing is to be done.
    next_step: str = ""
    #: None for a job that would wait.
    instance: str | None = None
    #: None for a job that would run.
    waiting: Waiting | None = None


def outlook(
    found: Route | Unroutable,
    told: Sequence[Verdict],
    seen: Snapshot,
    queue: str,
    lines: Mapping[str, Line],
) -> Outlook:
    """Return what a decision means for a job of a queue; give the judged verdicts as ``told``."""
    if isinstance(found, Unroutable):
        return _unroutable(found, told, seen)
    return held(seen.policy(queue)) or _routed(found, lines)


def held(policy: Policy) -> Outlook | None:
    """Return how a queue holds its jobs back; None where it does not."""
    why = allowed(policy, now()).reason
    if why is None:
        return None
    told, step = why.sentence.rstrip("."), ""
    if why is Waiting.SUSPENDED:
        return Outlook(waiting=why, sentence=noted(told, policy.note), next_step=resume(policy))
    if policy.type is QueueType.UNORDERED:
        step = f"To let more run: manage.py offload queues set {policy.name} --limit N"
    return Outlook(waiting=why, sentence=f"{told}: {policy.limit}.", next_step=step)


def resume(policy: Policy) -> str:
    """Return what ends the suspension of a queue."""
    return f"To go on: manage.py offload queues resume {policy.name}"


def _routed(found: Route, lines: Mapping[str, Line]) -> Outlook:
    """Say where a job would run, and that it may wait there where that is silent."""
    name = found.instance
    silence = verdicts.silence(name, lines.get(name))
    if not silence:
        told = f"{name} would run it. " + " ".join(found.reasons)
        return Outlook(instance=name, sentence=told)
    told = f"It would be bound to {name}. {silence} It moves once that is declared gone."
    step = verdicts.STEPS[Obstacle.SUSPECT].format(name=name)
    return Outlook(instance=name, sentence=told, next_step=step)


def _unroutable(found: Unroutable, told: Sequence[Verdict], seen: Snapshot) -> Outlook:
    """Say why nobody can run a job, and what keeps the nearest instances from it."""
    topic = found.need.topic
    if found.verdicts and not seen.topology.live:
        return Outlook(waiting=found.waiting, sentence=ALL_GONE.format(topic=topic))
    if found.verdicts and found.infeasible and has_one_here(topic):
        return Outlook(waiting=found.waiting, sentence=NEWER_HERE.format(topic=topic))
    sentence = f"{found.reason} {verdicts.details(told)}".rstrip()
    step = verdicts.next_step(topic, told)
    return Outlook(waiting=found.waiting, sentence=sentence, next_step=step)
