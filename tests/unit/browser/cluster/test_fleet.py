"""The page of instances as a value made of facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from offload.browser.cluster.fleet import PAGE_INSTANCES, Fleet, build
from offload.browser.cluster.view_state import ViewState
from offload.core.placement.topology import InstanceInfo, Mode, RuleVerb
from offload.reading.cluster.counts import Counts
from offload.reading.cluster.members import TOPICS_NAMED_MAX, Ability, Beat
from tests.unit.browser.cluster.facts import HERE, THERE, facts, line
from tests.unit.core.placement.fleet import consumer, instance, rule


def whole(pattern: str) -> Ability:
    """Return that an instance may run all topics of a pattern."""
    return Ability(pattern=pattern, may_run=True, is_whole=True)


def page(beat_age: float) -> Fleet:
    """Return the page of one instance that gave its last sign of life so long ago."""
    return build(facts(instance(), lines={HERE: line(beat_age=beat_age)}))


def test_those_that_are_gone_come_last_and_beat_no_more() -> None:
    gone = instance(THERE, mode=Mode.GONE, joined=0)
    lines = {HERE: line(), THERE: line(gone_because="goodbye")}

    found = build(facts(gone, instance(joined=5), lines=lines))

    assert [one.name for one in found.members] == [HERE, THERE]
    assert found.members[1].beat is None
    assert found.members[1].gone_because == "goodbye"
    assert (found.ready, found.live) == (1, 1)


def test_an_instance_shows_what_it_holds_and_consumes() -> None:
    counts = Counts(queued={(HERE, "a"): 2}, active={(HERE, "a"): 1, (THERE, "a"): 5})
    busy = instance(consumers=(consumer("b"), consumer("a/*")), labels=frozenset({"gpu", "big"}))

    member = build(facts(busy, counts=counts)).members[0]

    assert (member.running, member.concurrency) == (1, 2)
    assert (member.held, member.window) == (3, 4)
    assert member.able == (whole("a/*"), whole("b"))
    assert member.abilities == member.able
    assert member.labels == ("big", "gpu")


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0.0, Beat(seconds=3, is_late=False)),
        (2.9, Beat(seconds=3, is_late=False)),
        (3.1, Beat(seconds=6, is_late=False)),
        (6.1, Beat(seconds=9, is_late=True)),
        (40.0, Beat(seconds=42, is_late=True)),
    ],
)
def test_a_beat_is_late_after_two_heartbeats(age: float, expected: Beat) -> None:
    assert page(age).members[0].beat == expected


def test_a_healthy_instance_leaves_the_page_as_it_is() -> None:
    assert page(0.2).version == page(2.8).version
    assert page(2.8).version != page(3.1).version


def test_one_that_is_late_leaves_it_too_until_it_beats() -> None:
    assert page(40.0).version == page(400.0).version
    assert page(0.2).version != page(40.0).version


def test_one_that_is_off_is_not_ready() -> None:
    assert build(facts(instance(is_off=True))).ready == 0


def test_many_are_shown_in_parts_and_narrowed() -> None:
    names = [f"worker{number:02d}@host" for number in range(PAGE_INSTANCES + 2)]
    many = facts(*(instance(name, consumers=(consumer(name[:8]),)) for name in names))

    def shown(**view: Any) -> list[str]:
        return [one.name for one in build(many, view=ViewState(**view)).members]

    assert len(shown()) == PAGE_INSTANCES
    assert shown(page=2) == names[PAGE_INSTANCES:]
    assert shown(text="WORKER07") == [names[7]]
    assert shown(problems=True) == []


def test_problems_are_those_that_take_no_work_are_late_or_behind() -> None:
    late, off, gone, bye = "late@host", "off@host", "gone@host", "bye@host"
    fleet = facts(
        instance(),
        instance(late),
        instance(off, is_off=True),
        instance(gone, mode=Mode.GONE),
        instance(bye, mode=Mode.GONE, said_goodbye=True),
    )
    lines = {**fleet.lines, late: line(beat_age=30.0)}

    found = build(replace(fleet, lines=lines), view=ViewState(problems=True))

    assert {one.name for one in found.members} == {late, off, gone}


def test_what_it_may_run_leaves_out_what_rules_forbid() -> None:
    ruling = (rule(RuleVerb.DENY, "a"), rule(RuleVerb.DENY, "b/c"))
    able = instance(consumers=(consumer("a"), consumer("b/*"), consumer("d")))

    def found(one: InstanceInfo) -> tuple[Ability, ...]:
        return build(facts(one, rules=ruling)).members[0].able

    part = Ability(pattern="b/*", may_run=True, is_whole=False, why=f"Rule 1 denies b/c on {HERE}.")
    assert found(able) == (part, whole("d"))
    assert found(replace(able, is_off=True)) == ()
    assert found(replace(able, mode=Mode.GONE)) == ()


def test_what_it_may_not_run_has_the_reason() -> None:
    ruling = (rule(RuleVerb.DENY, "a", note="no licence"),)
    barred = instance(consumers=(consumer("a"), consumer("b")))

    def found(one: InstanceInfo) -> dict[str, str]:
        unable = build(facts(one, rules=ruling)).members[0].unable
        return {one.pattern: one.why for one in unable}

    assert found(barred) == {"a": f"Rule 1 denies a on {HERE}: no licence."}
    off = f"{HERE} is switched off: disk is full."
    assert found(replace(barred, is_off=True, off_note="disk is full")) == {"a": off, "b": off}
    gone = replace(barred, mode=Mode.GONE, said_goodbye=True)
    assert found(gone)["b"] == f"{HERE} was shut down."


def test_a_list_names_a_few_of_what_it_may_run_and_counts_the_others() -> None:
    able = instance(
        consumers=tuple(consumer(f"t/{number}") for number in range(TOPICS_NAMED_MAX + 3))
    )

    assert build(facts(able)).members[0].more == 3
