"""The least change that would place a topic: each command is needed, and together they suffice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from offload.core.admission.gates import GateVerdict
from offload.core.admission.suggestions import suggest
from offload.core.matching.consumers import Consumer
from offload.core.placement.planning import plan
from offload.core.placement.routing import Need
from offload.core.placement.topology import (
    InstanceInfo,
    Mode,
    RoutingRule,
    RuleVerb,
    Scope,
    Topology,
)
from offload.core.states import Waiting
from offload.core.topics import Pattern

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TOPIC = "dam/web"
NEED = Need(topic=TOPIC)
NAMES = ["a@1", "b@2", "c@3"]


def instance(name: str, *, is_off: bool = False, mode: Mode = Mode.READY) -> InstanceInfo:
    return InstanceInfo(
        name=name, incarnation=name, cluster="", mode=mode, concurrency=2, window=4, queue=name,
        consumers=(Consumer(pattern=Pattern.parse("dam/**"), task="t"),), can_kill=True,
        can_limit=True, protocol=1, joined=1, is_off=is_off,
    )  # fmt: skip


def rule(number: int, verb: str, target: str, pattern: str) -> RoutingRule:
    scope = Scope.GLOB if "*" in target else Scope.INSTANCE
    return RoutingRule(
        id=number, verb=RuleVerb(verb), scope=scope, target=target, pattern=Pattern.parse(pattern)
    )


def applied(topology: Topology, commands: tuple[str, ...]) -> Topology:
    """Return the topology after these commands."""
    for command in commands:
        verb, *words = command.removeprefix("manage.py offload ").split()
        if verb == "on":
            instances = tuple(
                replace(one, is_off=one.is_off and one.name != words[0])
                for one in topology.instances
            )
            topology = replace(topology, instances=instances)
        elif verb == "clear":
            left = tuple(one for one in topology.rules if str(one.id) != words[0])
            topology = replace(topology, rules=left)
        else:
            assert verb == "allow"
            more = rule(99, "allow", *words)
            topology = replace(topology, rules=(*topology.rules, more))
    return topology


RULES = st.lists(
    st.tuples(
        st.sampled_from(["allow", "deny"]),
        st.sampled_from([*NAMES, "*@1", "*"]),
        st.sampled_from([TOPIC, "dam/*", "**", "dam/other"]),
    ),
    max_size=6,
)


@given(RULES, st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)))
def test_all_commands_together_place_it_and_none_is_spare(
    rules: list[tuple[str, str, str]], off: set[str], gone: set[str]
) -> None:
    topology = Topology(
        version=1,
        instances=tuple(
            instance(one, is_off=one in off, mode=Mode.GONE if one in gone else Mode.READY)
            for one in NAMES
        ),
        rules=tuple(rule(number, *one) for number, one in enumerate(rules, 1)),
    )
    found = suggest(NEED, topology, NOW, ())

    if plan(NEED, topology, NOW).candidates or gone == set(NAMES):
        assert found is None
        return
    assert found is not None
    able = plan(NEED, applied(topology, found.commands), NOW).candidates
    assert found.instance in {one.instance.name for one in able}
    for spare in found.commands:
        fewer = tuple(one for one in found.commands if one != spare)
        left = plan(NEED, applied(topology, fewer), NOW).candidates
        assert found.instance not in {one.instance.name for one in left}


def test_of_equally_many_changes_the_one_that_reaches_least_is_taken() -> None:
    topology = Topology(
        version=1,
        instances=(instance("a@1"), instance("b@2")),
        rules=(rule(1, "deny", "*", "**"), rule(2, "deny", "b@2", TOPIC)),
    )
    found = suggest(NEED, topology, NOW, ())
    assert found is not None
    assert (found.commands, found.instance) == (("manage.py offload clear 1",), "a@1")

    alone = replace(topology, rules=(rule(1, "deny", "a@1", "**"), rule(2, "deny", "b*", TOPIC)))
    assert suggest(NEED, alone, NOW, ()) is not None


def test_limits_are_raised_by_as_many_as_wait_and_order_cannot_be_changed() -> None:
    topology = Topology(version=1, instances=(instance("a@1"),))
    gate = GateVerdict(
        gate="resource", n=0, used=2, limit=2, waiting=Waiting.RESOURCE, why="", fact="", each=2,
        change="manage.py offload resources set maya --capacity N",
    )  # fmt: skip

    found = suggest(NEED, topology, NOW, (gate,), jobs=3)

    assert found is not None
    assert found.commands == ("manage.py offload resources set maya --capacity 8",)
    assert found.sentence.startswith("To place the 3 waiting jobs: manage.py")
    assert suggest(NEED, topology, NOW, (gate, replace(gate, change="")), jobs=3) is None
