"""Instances, rules and topologies for the tests, by hand and by hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from offload.core.matching.consumers import Consumer
from offload.core.placement.judgement import Need
from offload.core.placement.topology import (
    PROTOCOL_VERSION,
    InstanceInfo,
    Mode,
    RoutingRule,
    RuleVerb,
    Scope,
    Topology,
)
from offload.core.topics import Pattern

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)

TOPICS = ("a", "b", "a/b", "a/c", "a/b/c", "a/b/c/d", "dam/rendition/web")

PATTERNS = tuple(
    Pattern.parse(text)
    for text in ("**", "*", "a", "a/*", "a/**", "a/b", "a/b/*", "a/b/**", "b", "dam/**")
)

NAMES = ("author@host1", "gpu@host2", "render@host2", "zoo@host3")


def consumer(
    pattern: str = "**", task: str = "shop.tasks.work", ranking: int = 0, **facts: Any
) -> Consumer:
    """Return a consumer of the pattern, changed by `facts`."""
    return Consumer(pattern=Pattern.parse(pattern), task=task, ranking=ranking, **facts)


def instance(name: str = "render@host2", **facts: Any) -> InstanceInfo:
    """Return an instance that can do everything, changed by `facts`."""
    usual: dict[str, Any] = {
        "incarnation": f"first boot of {name}",
        "cluster": "home",
        "mode": Mode.READY,
        "consumers": (consumer(),),
        "concurrency": 2,
        "window": 4,
        "queue": f"offload.{name}.v1",
        "can_kill": True,
        "can_limit": True,
        "protocol": PROTOCOL_VERSION,
        "joined": 1,
    }
    return InstanceInfo(name=name, **(usual | facts))


def rule(verb: RuleVerb, pattern: str = "**", **facts: Any) -> RoutingRule:
    """Return a rule for the instance that `instance` makes, changed by `facts`."""
    usual: dict[str, Any] = {"id": 1, "scope": Scope.INSTANCE, "target": "render@host2"}
    return RoutingRule(verb=verb, pattern=Pattern.parse(pattern), **(usual | facts))


def topology(
    *instances: InstanceInfo, rules: tuple[RoutingRule, ...] = (), version: int = 1
) -> Topology:
    """Return a topology of these instances and rules."""
    return Topology(version=version, instances=instances, rules=rules)


def consumers() -> st.SearchStrategy[tuple[Consumer, ...]]:
    """Return up to three consumers."""
    one = st.builds(
        Consumer,
        pattern=st.sampled_from(PATTERNS),
        task=st.sampled_from(("tasks.one", "tasks.two", "tasks.three")),
        ranking=st.integers(0, 2),
    )
    return st.lists(one, max_size=3).map(tuple)


def instances(*names: str) -> st.SearchStrategy[InstanceInfo]:
    """Return an instance in any condition, good ones being frequent."""
    return st.builds(
        instance,
        st.sampled_from(names or NAMES),
        mode=st.one_of(st.just(Mode.READY), st.sampled_from(Mode)),
        consumers=consumers(),
        window=st.integers(0, 3),
        can_kill=st.booleans(),
        can_limit=st.booleans(),
        protocol=st.sampled_from((PROTOCOL_VERSION, PROTOCOL_VERSION, PROTOCOL_VERSION - 1)),
        is_off=st.sampled_from((False, False, True)),
        said_goodbye=st.booleans(),
        labels=st.frozensets(st.sampled_from(("gpu", "cpu"))),
        broken=st.frozensets(st.sampled_from(("tasks.one", "tasks.two")), max_size=1),
    )


def rules() -> st.SearchStrategy[RoutingRule]:
    """Return any rule; some have ended at NOW, some end later, some rest."""
    ends = st.none() | st.integers(-2, 2).map(lambda hours: NOW + timedelta(hours=hours))
    return st.builds(
        lambda scoped, verb, pattern, until, rests_until, number: RoutingRule(
            id=number,
            verb=verb,
            scope=scoped[0],
            target=scoped[1],
            pattern=pattern,
            until=until,
            rests_until=rests_until,
        ),
        st.sampled_from(
            (
                *((Scope.INSTANCE, name) for name in NAMES),
                (Scope.GLOB, "*@host2"),
                (Scope.GLOB, "*"),
                (Scope.LABEL, "gpu"),
            )
        ),
        st.sampled_from(RuleVerb),
        st.sampled_from(PATTERNS),
        ends,
        ends,
        st.integers(1, 99),
    )


def topologies() -> st.SearchStrategy[Topology]:
    """Return a topology of up to four instances and up to five rules, always of version 1."""
    fleet = st.lists(instances(), max_size=4, unique_by=lambda one: one.name)
    return st.builds(
        lambda members, ruling: topology(*members, rules=tuple(ruling)),
        fleet,
        st.lists(rules(), max_size=5),
    )


def needs() -> st.SearchStrategy[Need]:
    """Return the need of some job."""
    return st.builds(
        Need,
        topic=st.sampled_from(TOPICS),
        limit=st.booleans(),
        kill=st.booleans(),
        excluded=st.frozensets(st.sampled_from(NAMES).map("first boot of {}".format), max_size=1),
        first=st.sampled_from(("", *NAMES)),
    )


def loads() -> st.SearchStrategy[dict[str, int]]:
    """Return bound jobs by name of the instance."""
    return st.dictionaries(st.sampled_from(NAMES), st.integers(0, 4))
