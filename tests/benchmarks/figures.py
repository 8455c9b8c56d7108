"""Medians over paired runs, and ratios pair by pair."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Turns of each contender in the order of the runs, by its key.
Samples: TypeAlias = "dict[str, list[dict[str, Any]]]"

#: The compared figures, by name, with the figure to use for a contender without its own.
RATES = {
    "submit": ("submit one by one, jobs/s", "submit"),
    "through": ("end to end, one by one, jobs/s", "through"),
    "submit_bulk": ("submit in bulk, jobs/s", "submit"),
    "through_bulk": ("end to end, in bulk, jobs/s", "through"),
}
#: Kinds of processes; a database server comes last, and sends no statements itself.
ROLES = ("submitter", "worker", "agent", "database")
OURS = ("offload", "quiet")
THEIRS = ("bare", "stock", "tuned")


def rate(turn: dict[str, Any], name: str) -> float:
    """Return a rate of a turn; in bulk, Celery does what it does one by one."""
    return float(turn.get(name, turn[RATES[name][1]]))


def middle(turns: Sequence[dict[str, Any]], name: str) -> float:
    """Return the median of a rate."""
    return median(rate(turn, name) for turn in turns)


def ratio(samples: Samples, ours: str, theirs: str, name: str) -> float:
    """Return the median of the ratios of turns of the same run."""
    pairs = zip(samples[ours], samples[theirs], strict=True)
    return median(rate(one, name) / rate(other, name) for one, other in pairs)


def delays(turns: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Return p50 and p99 of the time from submitting to beginning, in milliseconds."""
    found = sorted(delay * 1000 for turn in turns for delay in turn["latency"])
    return percentile(found, 50), percentile(found, 99)


def processor(turns: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the medians of processor time per job, by kind of process."""
    return {role: median(turn["cpu"][role] for turn in turns) for role in ROLES}


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent do not exceed."""
    place = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(place) - 1)]


def summary(samples: Samples) -> dict[str, Any]:
    """Return the medians, percentiles and ratios of one database."""
    return {
        "medians": {key: {n: middle(turns, n) for n in RATES} for key, turns in samples.items()},
        "delays_ms": {
            key: dict(zip(("p50", "p99"), delays(turns), strict=True))
            for key, turns in samples.items()
        },
        "cpu_ms": {key: processor(turns) for key, turns in samples.items()},
        "ratios": {
            f"{ours}/{theirs}": {n: ratio(samples, ours, theirs, n) for n in RATES}
            for ours in OURS
            for theirs in THEIRS
        },
    }


def flows(samples: Samples) -> dict[str, Any]:
    """Return medians of runs of the sample workflow, and the ratio by pairs."""
    pairs = zip(samples["offload"], samples["tuned"], strict=True)
    return {
        "medians": {key: median(one["runs"] for one in turns) for key, turns in samples.items()},
        "cpu_ms": {key: processor(turns) for key, turns in samples.items()},
        "verified": {key: sum(one["verified"] for one in turns) for key, turns in samples.items()},
        "ratio": median(ours["runs"] / theirs["runs"] for ours, theirs in pairs),
    }


def places(samples: Samples) -> dict[str, Any]:
    """Return medians of jobs here and in another cluster, and the ratio of the two by pairs."""
    return {
        "medians": {key: middle(turns, "through") for key, turns in samples.items()},
        "round_trip_p50_ms": {
            key: median(one * 1000 for turn in turns for one in turn["round_trip"])
            for key, turns in samples.items()
        },
        "ratio": ratio(samples, "remote", "local", "through"),
    }
