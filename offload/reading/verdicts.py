"""Verdicts for people, nearest first: why an instance does not run a job, and what helps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils.timezone import localtime

from offload.core.moments import span
from offload.core.placement.reasons import Obstacle, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from offload.reading.instance_rows import Line

#: Instances that a sentence tells of.
INSTANCES_TOLD = 3
#: What lets an instance run a topic, where it only has to be done.
STEPS = {
    Obstacle.DISCONNECTED: "Look at the broker: manage.py offload doctor",
    Obstacle.SUSPECT: "Look at the host of {name}, and at the log of its worker.",
    Obstacle.OFF: "To switch {name} on: manage.py offload on {name}",
    Obstacle.DENIED: "To end the rule: manage.py offload clear {rule}",
    Obstacle.GONE: "Start {name} again.",
    Obstacle.NOT_ALLOWED: "To allow it there: manage.py offload allow {name} {topic}",
}


def judged(found: Iterable[Verdict], lines: Mapping[str, Line]) -> tuple[Verdict, ...]:
    """Return verdicts with what the rows of the instances say; the nearest comes first."""
    told = (_told(one, lines.get(one.instance)) for one in found)
    return tuple(sorted(told, key=lambda one: one.distance))


def nearest(found: Sequence[Verdict]) -> tuple[Reason, ...]:
    """Return what keeps those of judged verdicts that lack the least from running a job.

    What an allow list leaves out counts where nothing is nearer, a missing consumer never.
    """
    reasons = [one.reason for one in found if one.reason]
    far = Obstacle.NOT_ALLOWED.distance
    near = [one for one in reasons if one.obstacle.distance < far]
    lacking = [one for one in reasons if one.obstacle is not Obstacle.NO_CONSUMER]
    return tuple(near or lacking)


def details(found: Sequence[Verdict]) -> str:
    """Return in words what keeps the nearest of judged verdicts from running a job."""
    return " ".join(one.detail for one in nearest(found)[:INSTANCES_TOLD])


def next_step(topic: str, found: Sequence[Verdict]) -> str:
    """Return what lets the nearest of judged verdicts run a topic; nothing where that passes."""
    reasons = nearest(found)
    if not reasons:
        return ""
    name = next(one.instance for one in found if one.reason is reasons[0])
    step = STEPS.get(reasons[0].obstacle, "")
    return step.format(name=name, rule=reasons[0].rule_id, topic=topic)


def silence(name: str, line: Line | None) -> str:
    """Return that an instance is silent, and for how long; nothing where it beats."""
    if line is None or not line.is_silent:
        return ""
    return f"{name} gives no sign of life for {span(line.beat_age)}."


def _told(verdict: Verdict, line: Line | None) -> Verdict:
    """Return a verdict with what a row knows beyond the topology."""
    if line is None:
        return verdict
    obstacle = verdict.reason.obstacle if verdict.reason else None
    if obstacle is Obstacle.GONE and line.has_died:
        detail = f"{verdict.instance} is gone since {_moment(line)}: {line.gone_because}."
        return replace(verdict, reason=Reason(obstacle=obstacle, detail=detail))
    if obstacle in {None, Obstacle.WINDOW_FULL} and line.is_silent:
        detail = silence(verdict.instance, line)
        return replace(verdict, reason=Reason(obstacle=Obstacle.SUSPECT, detail=detail))
    return verdict


def _moment(line: Line) -> str:
    return f"{localtime(line.beat_at):%Y-%m-%d %H:%M:%S}"
