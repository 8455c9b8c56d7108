"""Scores of the instances that can run a job, in words and values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from offload.core.placement.cluster_order import score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.matching.preferences import Preferences
    from offload.core.placement.reasons import Verdict
    from offload.core.placement.topology import Topology


def scored(
    verdicts: Sequence[Verdict], prefers: Preferences, topology: Topology
) -> tuple[Verdict, ...]:
    """Return the verdicts with the score of each instance that has a consumer."""
    return tuple(_scored(one, prefers, topology) for one in verdicts) if prefers else (*verdicts,)


def sentence(verdicts: Sequence[Verdict], prefers: Preferences) -> str:
    """Return the scores of those that can run the job, the highest first; "" without any."""
    able = [one for one in verdicts if prefers and one.can_run]
    ordered = sorted(able, key=lambda one: (-(one.score or 0), one.instance))
    if not ordered:
        return ""
    return f"Scores: {'; '.join(map(_line, ordered))}."


def hint(prefers: Preferences, topology: Topology) -> str:
    """Return a hint at a preferred property that no known instance has; else empty."""
    return prefers.unknown(one.properties for one in topology.everyone) if prefers else ""


def _scored(verdict: Verdict, prefers: Preferences, topology: Topology) -> Verdict:
    instance = topology.instance(verdict.instance)
    if instance is None or verdict.task is None:
        return verdict
    met = prefers.met(instance.properties, instance.labels)
    return replace(verdict, score=score(prefers, instance), preferences=met)


def _line(verdict: Verdict) -> str:
    met = "; ".join(map(str, verdict.preferences)) or "none met"
    return f"{verdict.instance} {verdict.score or 0:g} [{met}]"
