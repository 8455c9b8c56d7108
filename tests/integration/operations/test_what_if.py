"""Previews say of waiting jobs who would have nobody, be held back, move or begin."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest

from offload.core.admission.fates import Fate
from offload.core.matching.amounts import Amounts
from offload.core.placement.topology import RuleVerb
from offload.dispatch import dispatching
from offload.models import Job, Rule
from offload.operations.changes.queues import ChangeQueue, SuspendQueue
from offload.operations.changes.resources import CoolResource, SetResource
from offload.operations.changes.rules import WriteRules
from offload.operations.changes.switches import SwitchOff, SwitchOn
from offload.operations.changes.wording import previewed
from offload.queues import policies, resources
from offload.rules import editing
from tests.databases import on_postgresql
from tests.integration.world import HERE, THERE, TOPIC, join, states, waiting


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE, concurrency=2)
    join(THERE, concurrency=2)


def deny(pattern: str, *targets: str) -> WriteRules:
    target = targets[0] if len(targets) == 1 else "*"
    scope = "instance" if len(targets) == 1 else "glob"
    return WriteRules(verb=RuleVerb.DENY, target=target, patterns=(pattern,), scope=scope)


def fates(change: Any) -> list[tuple[Fate, str, int]]:
    return [(one.fate, one.topic, one.jobs) for one in change.preview().fates]


def test_a_deny_says_who_would_have_nobody_and_who_would_move() -> None:
    ids = waiting(12)
    waiting(3, topic="dam/meta")

    assert fates(deny("dam/rendition/*", HERE)) == [(Fate.MOVES, TOPIC, 12)]
    everywhere = deny("dam/rendition/*", HERE, THERE).preview()
    [line] = everywhere.fates
    assert (line.fate, line.jobs, line.examples) == (Fate.NOBODY, 12, tuple(ids[:3]))
    said = f"12 waiting jobs of {TOPIC} would have nobody: {', '.join(ids[:3])}."
    assert said in list(previewed(everywhere))
    assert not Rule.objects.exists()
    assert states(ids) == ["PENDING"] * 12


def test_a_switch_says_who_would_begin() -> None:
    editing.deny(HERE, "**")
    off = SwitchOff(instance=THERE, note="")
    ids = waiting(9)

    assert fates(off) == [(Fate.NOBODY, TOPIC, 9)]
    off.make(None)
    assert fates(SwitchOn(instance=THERE)) == [(Fate.STARTS, TOPIC, 4)]
    assert states(ids) == ["PENDING"] * 9


def test_queues_say_who_would_begin_and_who_would_be_held_back() -> None:
    policies.add("narrow", ["dam/**"], max_parallel=1)
    waiting(5, queue="narrow")
    dispatching.sweep()
    assert Job.objects.bound().count() == 1

    raised = ChangeQueue(name="narrow", fields={"max_parallel": 3})
    assert fates(raised) == [(Fate.STARTS, TOPIC, 2)]
    policies.change(policies.find("narrow"), max_parallel=9)
    assert fates(SuspendQueue(name="narrow", note="")) == [(Fate.HELD, TOPIC, 4)]


def test_resources_say_who_would_begin_and_who_would_be_held_back() -> None:
    resources.set_("maya", capacity=1)
    waiting(5, resources=Amounts.of({"maya": 1}))
    dispatching.sweep()

    assert fates(SetResource(name="maya", fields={"capacity": 3})) == [(Fate.STARTS, TOPIC, 2)]
    resources.set_("maya", capacity=9)
    assert fates(CoolResource(name="maya", seconds=60)) == [(Fate.HELD, TOPIC, 4)]
    assert resources.uses()["maya"].resource.capacity == 9


@pytest.mark.long
@on_postgresql
def test_a_hundred_thousand_waiting_jobs_are_previewed_within_a_second() -> None:
    for number in range(20):
        waiting(5000, topic=f"dam/t{number}")
    began = perf_counter()

    found = deny("**", HERE, THERE).preview()

    took = perf_counter() - began
    assert sum(one.jobs for one in found.fates) == 100_000
    assert {one.fate for one in found.fates} == {Fate.NOBODY}
    assert took < 1
