"""Cells of the matrix: what is desired there, and what is applied."""

from __future__ import annotations

from datetime import timedelta

from offload.browser.cluster.matrix import build
from offload.core.placement.rule_status import RuleStatus
from offload.core.placement.topology import RuleVerb, Scope
from offload.reading.cluster.counts import Counts
from tests.unit.browser.cluster.facts import HERE, THERE, cell, facts, line
from tests.unit.core.placement.fleet import NOW, consumer, instance, rule


def test_desired_and_applied_agree_where_the_instance_has_caught_up() -> None:
    page = build(facts(instance(), rules=(rule(RuleVerb.DENY, "a"),)))

    assert cell(page, "a").desired.status is RuleStatus.DENIED
    assert cell(page, "a").applied is RuleStatus.DENIED
    assert page.differing == ()


def test_a_rule_that_is_not_applied_yet_differs_by_its_age() -> None:
    ruling = (rule(RuleVerb.DENY, "a", id=4),)
    behind = {HERE: line()}

    unknown = build(facts(instance(), rules=ruling, lines=behind))
    known = build(facts(instance(), rules=ruling, lines=behind, rule_ages={4: 12.7}))

    assert [one.pattern for one in unknown.differing] == ["a"]
    assert cell(unknown, "a").age is None
    assert cell(known, "a").age == 12
    assert cell(known, "a").applied is RuleStatus.ALLOWED


def test_an_instance_is_not_late_with_rules_from_before_its_boot() -> None:
    lines = {HERE: line(up_for=3.0)}

    page = build(
        facts(
            instance(), rules=(rule(RuleVerb.DENY, "a", id=4),), lines=lines, rule_ages={4: 900.0}
        )
    )

    assert cell(page, "a").age == 3


def test_an_instance_that_is_off_differs_since_it_was_switched() -> None:
    page = build(facts(instance(is_off=True), lines={HERE: line(off_for=8.0)}))

    assert cell(page, "**").desired.status is RuleStatus.OFF
    assert cell(page, "**").age == 8


def test_a_cell_without_consumer_never_differs() -> None:
    page = build(
        facts(
            instance(consumers=()),
            rules=(rule(RuleVerb.DENY, "a"),),
            lines={HERE: line(applied=None)},
        )
    )

    assert cell(page, "a").is_absent
    assert page.differing == ()


def test_a_cell_knows_the_rules_of_just_its_own() -> None:
    ruling = (
        rule(RuleVerb.ALLOW, "a"),
        rule(RuleVerb.DENY, "a", id=2, scope=Scope.GLOB, target="*"),
        rule(RuleVerb.DENY, "a/*", id=3),
        rule(RuleVerb.DENY, "b", id=4, until=NOW),
    )

    page = build(facts(instance(consumers=(consumer("a"), consumer("b"))), rules=ruling))

    assert cell(page, "a").own == (RuleVerb.ALLOW,)
    assert cell(page, "a/*").own == (RuleVerb.DENY,)
    assert cell(page, "b").own == ()


def test_cells_keep_their_ids_when_rows_come_and_go() -> None:
    before = build(facts(instance()))
    after = build(facts(instance(), instance(THERE), counts=Counts(waiting={"a": 1})))

    assert cell(before, "**").id == cell(after, "**").id
    ids = [one.id for row in after.rows for one in row.cells]
    assert len(ids) == len(set(ids))


def test_of_no_instance_is_it_asked_which_rules_it_has_applied_where_all_have() -> None:
    ruling = (
        rule(RuleVerb.DENY, "a", id=4),
        rule(RuleVerb.ALLOW, "b", until=NOW + timedelta(hours=1)),
    )
    whole = facts(instance(), rules=ruling)

    assert whole.behind == frozenset()
    assert facts(instance(), rules=ruling, lines={HERE: line(applied=None)}).behind == {HERE}
    assert facts(instance(is_off=True)).behind == {HERE}
