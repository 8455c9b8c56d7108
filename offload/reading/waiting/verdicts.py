"""Verdicts for people, nearest first: why an instance does not run a job, and the next step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils.timezone import localtime

from offload.core.moments import span
from offload.core.placement.reasons import Obstacle, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from offload.reading.cluster.instance_rows import Line

#: Maximum number of instances named in a sentence.
INSTANCES_SHOWN = 3
#: Next steps that let an instance run a topic.
STEPS = {
    Obstacle.DISCONNECTED: "Look at the broker: manage.py offload doctor",
    Obstacle.SUSPECT: "Look at the host of {name}, and at the log of its worker.",
    Obstacle.PEER_SILENT: "Look at the workers there and at the broker: manage.py offload peers",
    Obstacle.SEND_OFF: "To see the switches, and set them: manage.py offload peers",
    Obstacle.NOT_ACCEPTING: "Ask the people of that cluster: manage.py offload peers, there",
    Obstacle.NOT_SENT: "Add the topic to SEND of that cluster in PEERS, and restart the workers.",
    Obstacle.OFF: "To switch {name} on: manage.py offload on {name}",
    Obstacle.DENIED: "To end the rule: manage.py offload clear {rule}",
    Obstacle.GONE: "Start {name} again.",
    Obstacle.UNMET: "To see what instances have: manage.py offload instances --properties",
    Obstacle.NOT_ALLOWED: "To allow it there: manage.py offload allow {name} {topic}",
}


def judged(found: Iterable[Verdict], lines: Mapping[str, Line]) -> tuple[Verdict, ...]:
    """Return verdicts with facts from the instances' rows, the nearest first."""
    judgements = (_with_facts(one, lines.get(one.instance)) for one in found)
    return tuple(sorted(judgements, key=lambda one: one.distance))


def nearest(found: Sequence[Verdict]) -> tuple[Reason, ...]:
    """Return the reasons of the verdicts that are nearest to running a job.

    An allow list that leaves the topic out counts only if nothing is nearer; a missing consumer
    never.
    """
    reasons = [one.reason for one in found if one.reason]
    far = Obstacle.NOT_ALLOWED.distance
    near = [one for one in reasons if one.obstacle.distance < far]
    lacking = [one for one in reasons if one.obstacle is not Obstacle.NO_CONSUMER]
    return tuple(near or lacking)


def details(found: Sequence[Verdict]) -> str:
    """Return the reasons of the nearest verdicts as sentences."""
    return " ".join(one.detail for one in nearest(found)[:INSTANCES_SHOWN])


def next_step(topic: str, found: Sequence[Verdict]) -> str:
    """Return the step that lets the nearest instance run a topic; "" if it only takes time."""
    reasons = nearest(found)
    if not reasons:
        return ""
    name = next(one.instance for one in found if one.reason is reasons[0])
    step = STEPS.get(reasons[0].obstacle, "")
    return step.format(name=name, rule=reasons[0].rule_id, topic=topic)


def silence(name: str, line: Line | None) -> str:
    """Return for how long an instance has been silent; "" if it has a recent heartbeat."""
    if line is None or not line.is_silent:
        return ""
    return f"{name} has given no sign of life for {span(line.beat_age)}."


def _with_facts(verdict: Verdict, line: Line | None) -> Verdict:
    """Return a verdict with facts from the instance's row."""
    if line is None:
        return verdict
    obstacle = verdict.reason.obstacle if verdict.reason else None
    if obstacle is Obstacle.GONE and line.has_died:
        detail = f"{verdict.instance} has been gone since {_moment(line)}: {line.gone_because}."
        return replace(verdict, reason=Reason(obstacle=obstacle, detail=detail))
    if obstacle in {None, Obstacle.WINDOW_FULL} and line.is_silent:
        detail = silence(verdict.instance, line)
        return replace(verdict, reason=Reason(obstacle=Obstacle.SUSPECT, detail=detail))
    return verdict


def _moment(line: Line) -> str:
    return f"{localtime(line.beat_at):%Y-%m-%d %H:%M:%S}"
