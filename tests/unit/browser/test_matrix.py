"""The matrix as a value made of facts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from offload.browser.facts import Facts, Line
from offload.browser.live import version_of
from offload.browser.matrix import Cell, Matrix, build
from offload.browser.signs import Standing
from offload.browser.standings import Applied
from offload.core.policies import DEFAULT_POLICY, Policy
from offload.core.topics import Pattern
from offload.core.topology import Instance, Mode, Rule, Scope, Verb
from offload.engine.counts import Counts
from tests.unit.core.fleet import NOW, consumer, instance, rule, topology

HERE, THERE = "render@host2", "gpu@host2"


def line(*rules: Rule, **facts: Any) -> Line:
    """Return what an instance's row says that has applied these rules."""
    usual: dict[str, Any] = {
        "beat_age": 1.0,
        "up_for": 3600.0,
        "started_at": NOW - timedelta(hours=1),
        "host": "host2",
        "pid": 12,
        "applied": Applied(version=1, is_off=False, rules=rules),
    }
    return Line(**(usual | facts))


def facts(*instances: Instance, rules: tuple[Rule, ...] = (), **others: Any) -> Facts:
    """Return facts about instances that have applied the rules, changed by `others`."""
    usual: dict[str, Any] = {"lines": {one.name: line(*rules) for one in instances}}
    return Facts(now=NOW, topology=topology(*instances, rules=rules), **(usual | others))


def cell(page: Matrix, topic: str, name: str = HERE) -> Cell:
    """Return one cell of the page."""
    row = next(row for row in page.rows if row.topic == topic)
    return next(one for one in row.cells if one.instance == name)


def policy(name: str, pattern: str, **terms: Any) -> Policy:
    """Return a policy for a pattern."""
    return Policy(
        name=name, patterns=(Pattern.parse(pattern),), retry=DEFAULT_POLICY.retry, **terms
    )


def test_rows_are_what_is_consumed_ruled_waiting_running_or_recent() -> None:
    counts = Counts(
        waiting={"w": 2}, queued={(HERE, "q"): 1}, active={(HERE, "r"): 1}, recent=frozenset({"n"})
    )
    ruling = (rule(Verb.DENY, "d/*"), rule(Verb.DENY, "ended", until=NOW))

    page = build(facts(instance(consumers=(consumer("c/**"),)), rules=ruling, counts=counts))

    assert [row.topic for row in page.rows] == ["c/**", "d/*", "n", "q", "r", "w"]
    assert [row.topic for row in page.rows if row.is_pattern] == ["c/**", "d/*"]


def test_columns_are_the_instances_that_are_not_gone() -> None:
    gone = instance(THERE, mode=Mode.GONE)
    counts = Counts(active={(HERE, "a"): 1, (HERE, "b"): 2})

    page = build(facts(instance(is_leader=True), gone, counts=counts))

    assert [(one.name, one.running, one.is_leader) for one in page.columns] == [(HERE, 3, True)]
    assert page.gone == (THERE,)
    assert all(len(row.cells) == 1 for row in page.rows)


def test_a_row_counts_its_jobs_and_those_who_can_run_them() -> None:
    counts = Counts(waiting={"a": 5}, queued={(HERE, "a"): 2}, active={(THERE, "a"): 1})

    page = build(facts(instance(), instance(THERE, is_off=True), counts=counts))

    row = next(row for row in page.rows if row.topic == "a")
    assert (row.waiting, row.queued, row.running, row.can_run) == (5, 2, 1, 1)
    assert not row.is_stalled
    assert (page.waiting, page.running, page.ready) == (5, 1, 1)


def test_jobs_that_nobody_can_run_are_stalled() -> None:
    page = build(facts(instance(consumers=()), counts=Counts(waiting={"a": 1})))

    assert page.rows[0].is_stalled


def test_a_suspended_queue_is_named_on_the_rows_it_holds() -> None:
    policies = (policy("slow", "a/*", suspended=True),)

    page = build(facts(instance(consumers=(consumer("a/b"), consumer("b"))), policies=policies))

    assert [row.suspended for row in page.rows] == ["slow", ""]


def test_desired_and_applied_agree_where_the_instance_has_caught_up() -> None:
    page = build(facts(instance(), rules=(rule(Verb.DENY, "a"),)))

    assert cell(page, "a").desired.standing is Standing.DENIED
    assert cell(page, "a").applied is Standing.DENIED
    assert page.differing == ()


def test_a_rule_that_is_not_applied_yet_differs_by_its_age() -> None:
    ruling = (rule(Verb.DENY, "a", id=4),)
    behind = {HERE: line()}

    unknown = build(facts(instance(), rules=ruling, lines=behind))
    known = build(facts(instance(), rules=ruling, lines=behind, rule_ages={4: 12.7}))

    assert [one.pattern for one in unknown.differing] == ["a"]
    assert cell(unknown, "a").age is None
    assert cell(known, "a").age == 12
    assert cell(known, "a").applied is Standing.ALLOWED


def test_an_instance_is_not_late_with_rules_from_before_its_boot() -> None:
    lines = {HERE: line(up_for=3.0)}

    page = build(
        facts(instance(), rules=(rule(Verb.DENY, "a", id=4),), lines=lines, rule_ages={4: 900.0})
    )

    assert cell(page, "a").age == 3


def test_an_instance_that_is_off_differs_since_it_was_switched() -> None:
    page = build(facts(instance(is_off=True), lines={HERE: line(off_for=8.0)}))

    assert cell(page, "**").desired.standing is Standing.OFF
    assert cell(page, "**").age == 8


def test_a_cell_without_consumer_never_differs() -> None:
    page = build(facts(instance(consumers=()), rules=(rule(Verb.DENY, "a"),), lines={}))

    assert cell(page, "a").is_absent
    assert page.differing == ()


def test_a_cell_knows_the_rules_of_just_its_own() -> None:
    ruling = (
        rule(Verb.ALLOW, "a"),
        rule(Verb.DENY, "a", id=2, scope=Scope.GLOB, target="*"),
        rule(Verb.DENY, "a/*", id=3),
        rule(Verb.DENY, "b", id=4, until=NOW),
    )

    page = build(facts(instance(consumers=(consumer("a"), consumer("b"))), rules=ruling))

    assert cell(page, "a").own == (Verb.ALLOW,)
    assert cell(page, "a/*").own == (Verb.DENY,)
    assert cell(page, "b").own == ()


def test_cells_keep_their_ids_when_rows_come_and_go() -> None:
    before = build(facts(instance()))
    after = build(facts(instance(), instance(THERE), counts=Counts(waiting={"a": 1})))

    assert cell(before, "**").id == cell(after, "**").id
    ids = [one.id for row in after.rows for one in row.cells]
    assert len(ids) == len(set(ids))


def test_the_version_moves_with_what_is_shown_and_not_with_time() -> None:
    now = facts(instance())
    later = facts(instance(), lines={HERE: line(beat_age=2.0, up_for=3602.0)})
    busy = facts(instance(), counts=Counts(active={(HERE, "a"): 1}))

    assert version_of(build(now)) == version_of(build(later))
    assert version_of(build(now)) != version_of(build(busy))


def test_many_instances_make_it_dense() -> None:
    names = [f"worker{number}@host" for number in range(5)]

    assert build(facts(*map(instance, names))).is_dense
    assert not build(facts(*map(instance, names[:4]))).is_dense
