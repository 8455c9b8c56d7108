"""The matrix as a value made of facts: its rows and columns."""

from __future__ import annotations

from offload.browser.cluster.matrix import build
from offload.browser.cluster.view_state import ViewState
from offload.core.placement.topology import Mode, RuleVerb
from offload.reading.cluster.counts import Counts, Later
from tests.unit.browser.cluster.facts import HERE, THERE, facts, line, policy
from tests.unit.core.placement.fleet import NOW, consumer, instance, rule


def test_rows_are_what_is_consumed_ruled_waiting_running_or_recent() -> None:
    counts = Counts(
        waiting={"w": 2}, queued={(HERE, "q"): 1}, active={(HERE, "r"): 1}, recent=frozenset({"n"})
    )
    ruling = (rule(RuleVerb.DENY, "d/*"), rule(RuleVerb.DENY, "ended", until=NOW))

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


def test_instances_that_died_or_do_not_beat_are_told_of() -> None:
    died, left = instance("a@b", mode=Mode.GONE), instance("c@d", mode=Mode.GONE, said_goodbye=True)
    old = instance("e@f", mode=Mode.GONE)
    lines = {one.name: line() for one in (died, left)}
    lines |= {HERE: line(beat_age=60.0), THERE: line(), old.name: line(beat_age=1e6)}

    page = build(facts(instance(), instance(THERE), died, left, old, lines=lines))

    assert (page.died, page.silent, page.ready, page.live) == (("a@b",), (HERE,), 1, 2)
    assert [one.name for one in page.columns if one.has_problem] == [HERE]
    assert facts(instance(), lines={HERE: line(beat_age=60.0)}).version != facts(instance()).version


def test_jobs_whose_time_has_not_come_do_not_wait_for_an_instance() -> None:
    later = {"a": Later(count=20, retrying=0, seconds=60.0)}

    page = build(facts(instance(), counts=Counts(waiting={"a": 23}, later=later)))

    assert (page.waiting, page.later) == (3, 20)
    assert [(row.due, row.later) for row in page.rows if row.topic == "a"] == [(3, 20)]


def test_a_row_counts_its_jobs_and_those_who_can_run_them() -> None:
    counts = Counts(waiting={"a": 5}, queued={(HERE, "a"): 2}, active={(THERE, "a"): 1})

    page = build(facts(instance(), instance(THERE, is_off=True), counts=counts))

    row = next(row for row in page.rows if row.topic == "a")
    assert (row.due, row.bound, row.active, row.can_run) == (5, 2, 1, 1)
    assert not row.is_stranded
    assert (page.waiting, page.running, page.ready) == (5, 1, 1)


def test_jobs_that_nobody_can_run_are_stalled() -> None:
    page = build(facts(instance(consumers=()), counts=Counts(waiting={"a": 1})))

    assert page.rows[0].is_stranded


def test_jobs_whose_time_has_not_come_miss_nobody_yet() -> None:
    delayed = {"a": Later(count=2, retrying=0, seconds=3600.0)}
    nobody = instance(consumers=())

    page = build(facts(nobody, counts=Counts(waiting={"a": 2}, later=delayed)))
    mixed = build(facts(nobody, counts=Counts(waiting={"a": 3}, later=delayed)))

    assert (page.rows[0].later, page.rows[0].is_stranded) == (2, False)
    assert mixed.rows[0].is_stranded


def test_a_suspended_queue_is_named_on_the_rows_it_holds() -> None:
    policies = (policy("slow", "a/*", suspended=True),)

    page = build(facts(instance(consumers=(consumer("a/b"), consumer("b"))), policies=policies))

    assert [row.suspended for row in page.rows] == ["slow", ""]


def test_a_row_names_the_queue_in_which_its_jobs_wait() -> None:
    policies = (policy("slow", "a", suspended=True), policy("fast", "b"))
    elsewhere = Counts(waiting={"a": 1, "b": 1}, due_in={"a": {"fast": 1}, "b": {"slow": 1}})
    able = instance(consumers=(consumer("a"), consumer("b")))

    page = build(facts(able, policies=policies, counts=elsewhere), ViewState(problems=True))

    assert [(row.topic, row.suspended) for row in page.rows] == [("b", "slow")]
    (still,) = page.stalls
    assert (still.queue, still.count) == ("slow", 1)


def test_what_stands_still_is_told_above_all_rows() -> None:
    counts = Counts(waiting={"a": 2}, due_in={"a": {"default": 2}})
    silent = {HERE: line(beat_age=7.0)}

    denied = build(facts(instance(), rules=(rule(RuleVerb.DENY, "a", id=4),), counts=counts))
    frozen = build(facts(instance(), lines=silent, counts=counts))

    assert [(one.topic, one.count) for one in denied.stalls] == [("a", 2)]
    assert denied.stalls[0].next_step == "To end the rule: manage.py offload clear 4"
    assert "has given no sign of life for 7 s" in frozen.stalls[0].why.replace("7.00", "7")
    assert frozen.rows[0].can_run == 0


def test_the_version_moves_with_what_is_shown_and_not_with_time() -> None:
    now = facts(instance())
    later = facts(instance(), lines={HERE: line(beat_age=2.0, up_for=3602.0)})
    busy = facts(instance(), counts=Counts(active={(HERE, "a"): 1}))

    assert now.version == later.version
    assert now.version != busy.version
