"""The outlook for a job of a topic now, in words, with the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.timezone import localtime

from offload.core.placement.reasons import Obstacle
from offload.core.placement.routing import Route, Unroutable
from offload.fleet.consumers import is_loaded
from offload.reading.waiting import verdicts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.admission.admission import Allowance
    from offload.core.placement.reasons import Verdict
    from offload.core.policies import Policy
    from offload.core.states import Waiting
    from offload.fleet.snapshots import Snapshot
    from offload.reading.cluster.instance_rows import Line

ALL_GONE = "Every known worker is gone. Start one that has a consumer for {topic}."
NEWER_HERE = (
    "No instance has a consumer for {topic}, but the code here has one: "
    "restart the workers with it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Where a job would run, or why it would wait."""

    sentence: str
    #: The next step; empty if nothing needs to be done.
    next_step: str = ""
    #: None if the job would wait.
    instance: str | None = None
    #: None if the job would run.
    waiting: Waiting | None = None


def outlook(
    found: Route | Unroutable,
    judged: Sequence[Verdict],
    current: Snapshot,
    allowance: Allowance,
    lines: Mapping[str, Line],
) -> Outlook:
    """Return the outlook that a decision means for a job of a queue; ``judged`` has verdicts."""
    if isinstance(found, Unroutable):
        return _unroutable(found, judged, current)
    return held(allowance) or _routed(found, lines)


def held(allowance: Allowance) -> Outlook | None:
    """Return why a queue holds its jobs back, or None."""
    gate = allowance.tightest
    if gate is None or gate.is_open:
        return None
    opens = allowance.opens_at
    when = (
        f" It may begin at {localtime(opens):%Y-%m-%d %H:%M:%S} at the earliest." if opens else ""
    )
    return Outlook(waiting=gate.waiting, sentence=f"{gate.why}{when}", next_step=gate.step)


def resume(policy: Policy) -> str:
    """Return the command that resumes a queue."""
    return f"To resume it: manage.py offload queues resume {policy.name}"


def _routed(found: Route, lines: Mapping[str, Line]) -> Outlook:
    """Say where a job would run, and warn if that instance is silent."""
    name = found.instance
    silence = verdicts.silence(name, lines.get(name))
    if not silence:
        sentence = f"{name} would run it. " + " ".join(found.reasons)
        return Outlook(instance=name, sentence=sentence)
    sentence = f"It would be bound to {name}. {silence} It moves once that is declared gone."
    step = verdicts.STEPS[Obstacle.SUSPECT].format(name=name)
    return Outlook(instance=name, sentence=sentence, next_step=step)


def _unroutable(found: Unroutable, judged: Sequence[Verdict], current: Snapshot) -> Outlook:
    """Say why no instance can run a job, and what keeps the nearest ones from it."""
    topic = found.need.topic
    if found.verdicts and not current.topology.present:
        return Outlook(waiting=found.waiting, sentence=ALL_GONE.format(topic=topic))
    if found.verdicts and found.infeasible and is_loaded(topic):
        return Outlook(waiting=found.waiting, sentence=NEWER_HERE.format(topic=topic))
    known = [one.properties for one in current.topology.everyone]
    unknown = found.need.requires.unknown(known) if found.is_unmet else ""
    sentence = " ".join(filter(None, (found.reason, verdicts.details(judged), unknown)))
    step = verdicts.next_step(topic, judged)
    return Outlook(waiting=found.waiting, sentence=sentence, next_step=step)
