"""A micro benchmark of ``route()``: a hundred instances, a hundred rules."""

from __future__ import annotations

from datetime import UTC, datetime
from statistics import median
from timeit import repeat

from offload.core.placement.routing import Need, Route, route
from offload.core.placement.topology import (
    Consumer,
    InstanceInfo,
    Mode,
    RoutingRule,
    RuleVerb,
    Scope,
    Topology,
)
from offload.core.topics import Pattern

SIZE = 100
WARM, COLD = 2000, 20
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEED = Need(topic="dam/rendition/web")
LOAD = {f"worker{n}@host": n % 8 for n in range(SIZE)}


def instance(number: int) -> InstanceInfo:
    """Return an instance that consumes a pattern."""
    pattern = Pattern.parse("dam/rendition/*" if number % 2 else "dam/**")
    name = f"worker{number}@host"
    return InstanceInfo(
        name=name,
        incarnation=str(number),
        cluster="default",
        mode=Mode.READY,
        consumers=(Consumer(pattern=pattern, task="render"),),
        concurrency=4,
        window=8,
        queue=name,
        can_kill=True,
        can_limit=True,
        protocol=1,
        joined=number,
    )


def rule(number: int) -> RoutingRule:
    """Return a rule for one instance; every third denies what is asked for."""
    denies = number % 3 == 0
    return RoutingRule(
        id=number,
        verb=RuleVerb.DENY if denies else RuleVerb.ALLOW,
        scope=Scope.INSTANCE,
        target=f"worker{number}@host",
        pattern=Pattern.parse("dam/rendition/web" if denies else "dam/**"),
    )


def topology(version: int) -> Topology:
    """Return a hundred of each."""
    return Topology(
        version=version,
        instances=tuple(instance(number) for number in range(SIZE)),
        rules=tuple(rule(number) for number in range(SIZE)),
    )


def decide(known: Topology) -> None:
    """Decide once; the decision must be for somebody."""
    if not isinstance(route(NEED, known, LOAD, now=NOW), Route):
        raise AssertionError("nobody was found")


def measure() -> dict[str, float]:
    """Return microseconds per decision: on a known topology, and on one seen first."""
    known = topology(0)
    warm = median(repeat(lambda: decide(known), number=WARM, repeat=5)) / WARM
    fresh = iter([topology(version) for version in range(1, COLD * 5 + 1)])
    cold = median(repeat(lambda: decide(next(fresh)), number=COLD, repeat=5)) / COLD
    return {"warm_us": warm * 1e6, "cold_us": cold * 1e6}
