"""A micro benchmark of ``route()``: a thousand instances, a thousand rules, 200 topics."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain
from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING

from offload.core.matching.consumers import Consumer
from offload.core.placement.routing import Loads, Need, Route, route
from offload.core.placement.topology import (
    InstanceInfo,
    Mode,
    RoutingRule,
    RuleVerb,
    Scope,
    Topology,
)
from offload.core.topics import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

SIZE, TOPICS = 1000, 200
ROUNDS, WARM, COLD = 5, 2000, 25
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEEDS = [Need(topic=f"dam/rendition/size{number}") for number in range(TOPICS)]
# Windows are of eight jobs: half of all places are taken, and a round of decisions does not fill
# the rest.
LOADS = Loads({f"worker{n}@host": n % 8 for n in range(SIZE)})


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
        pattern=Pattern.parse("dam/rendition/*" if denies else "dam/**"),
    )


def topology(version: int) -> Topology:
    """Return a thousand of each."""
    return Topology(
        version=version,
        instances=tuple(instance(number) for number in range(SIZE)),
        rules=tuple(rule(number) for number in range(SIZE)),
    )


def decide(known: Topology, needs: Iterable[Need]) -> list[int]:
    """Decide once for each need, with what was bound before; return nanoseconds, one per decision.

    Each must be for somebody.
    """
    loads, taken = LOADS, []
    for need in needs:
        begun = perf_counter_ns()
        found = route(need, known, loads, now=NOW)
        if not isinstance(found, Route):
            raise AssertionError("nobody was found")
        loads = loads.plus(found.instance, 1)
        taken.append(perf_counter_ns() - begun)
    return taken


def measure() -> dict[str, float]:
    """Return microseconds per decision in the median: on a known topology, and on one seen first.

    The time to count what was bound is part of it.
    """
    known = topology(0)
    needs = [NEEDS[number % TOPICS] for number in range(WARM)]
    decide(known, needs)
    fresh = [decide(topology(version), NEEDS[:1]) for version in range(1, COLD + 1)]
    warm = [one for _ in range(ROUNDS) for one in decide(known, needs)]
    return {"warm_us": median(warm) / 1e3, "cold_us": median(chain(*fresh)) / 1e3}
