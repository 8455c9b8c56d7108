"""The matrix as a value made of facts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from offload.browser.badges import RuleStatus
from offload.browser.cluster.look import Look
from offload.browser.cluster.matrix import PAGE_COLUMNS, PAGE_ROWS, Matrix, build
from offload.core.placement.topology import InstanceInfo, Mode, RoutingRule, RuleVerb, Scope
from offload.core.policies import DEFAULT_POLICY, Policy
from offload.core.states import JobState
from offload.core.topics import Pattern
from offload.reading.applied import Applied
from offload.reading.cluster import ClusterFacts
from offload.reading.counts import Counts, Later
from offload.reading.failures import FailureLine, Failures
from offload.reading.instance_rows import Line
from tests.unit.core.placement.fleet import NOW, consumer, instance, rule, topology

if TYPE_CHECKING:
    from offload.browser.cluster.cells import Cell

HERE, THERE = "render@host2", "gpu@host2"


def line(*rules: RoutingRule, **facts: Any) -> Line:
    """Return what an instance's row says that has applied these rules."""
    usual: dict[str, Any] = {
        "beat_age": 1.0,
        "beat_at": NOW,
        "up_for": 3600.0,
        "started_at": NOW - timedelta(hours=1),
        "host": "host2",
        "pid": 12,
        "applied": Applied(version=1, is_off=False, rules=rules),
    }
    return Line(**(usual | facts))


def facts(
    *instances: InstanceInfo, rules: tuple[RoutingRule, ...] = (), **others: Any
) -> ClusterFacts:
    """Return facts about instances that have applied the rules, changed by `others`."""
    usual: dict[str, Any] = {"lines": {one.name: line(*rules) for one in instances}}
    return ClusterFacts(now=NOW, topology=topology(*instances, rules=rules), **(usual | others))


def cell(page: Matrix, topic: str, name: str = HERE) -> Cell:
    """Return one cell of the page."""
    row = next(row for row in page.rows if row.topic == topic)
    return next(one for one in row.cells if one.instance == name)


def policy(name: str, pattern: str, **options: Any) -> Policy:
    """Return a policy for a pattern."""
    return Policy(
        name=name, patterns=(Pattern.parse(pattern),), retry=DEFAULT_POLICY.retry, **options
    )


def failure(topic: str, **counts: int) -> FailureLine:
    """Return a line of failures of a topic."""
    return FailureLine(
        topic=topic,
        state=JobState.GIVEN_UP,
        error_type="builtins.ValueError",
        error="no",
        job_id="id",
        seconds_ago=1.0,
        **counts,
    )


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

    page = build(facts(able, policies=policies, counts=elsewhere), Look(problems=True))

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
    assert "gives no sign of life for 7 s" in frozen.stalls[0].why.replace("7.00", "7")
    assert frozen.rows[0].can_run == 0


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


def test_the_version_moves_with_what_is_shown_and_not_with_time() -> None:
    now = facts(instance())
    later = facts(instance(), lines={HERE: line(beat_age=2.0, up_for=3602.0)})
    busy = facts(instance(), counts=Counts(active={(HERE, "a"): 1}))

    assert now.version == later.version
    assert now.version != busy.version


def test_many_instances_make_it_dense() -> None:
    names = [f"worker{number}@host" for number in range(4)]

    assert build(facts(*map(instance, names))).is_dense
    assert not build(facts(*map(instance, names[:3]))).is_dense


def many(count: int) -> list[InstanceInfo]:
    """Return so many instances, each with a consumer of its own beside the shared one."""
    return [
        instance(f"worker{number:03d}@host", consumers=(consumer(f"t/{number:03d}"), consumer("s")))
        for number in range(count)
    ]


def test_a_wide_matrix_is_shown_in_parts() -> None:
    whole = facts(
        *many(PAGE_COLUMNS + 3), counts=Counts(waiting={f"w/{n:03d}": 1 for n in range(60)})
    )

    first, last = build(whole), build(whole, Look(page=9, across=2))

    assert (len(first.rows), len(first.columns)) == (PAGE_ROWS, PAGE_COLUMNS)
    assert (first.topics.first, first.topics.last) == (1, PAGE_ROWS)
    assert first.topics.total == 60 + PAGE_COLUMNS + 4
    assert (last.topics.page, last.topics.pages, last.topics.after) == (2, 2, 0)
    assert [one.name for one in last.columns] == [f"worker{n:03d}@host" for n in range(16, 19)]
    assert first.live == last.live == PAGE_COLUMNS + 3
    assert first.is_compact
    assert not last.is_compact


def test_a_text_narrows_topics_and_instances_whatever_its_case() -> None:
    whole = facts(*many(12))

    def shown(text: str) -> tuple[int, int]:
        page = build(whole, Look(text=text))
        return len(page.rows), len(page.columns)

    assert shown("T/00") == (10, 12)
    assert shown("worker003") == (13, 1)
    assert shown("nothing like it") == (0, 12)


def test_an_instance_is_found_by_its_label() -> None:
    whole = facts(instance(labels=frozenset({"licence-acme"})), instance(THERE))

    assert [one.name for one in build(whole, Look(text="acme")).columns] == [HERE]


def test_problems_are_what_is_stranded_held_back_failed_or_not_applied() -> None:
    suspended = (policy("slow", "held", suspended=True),)
    counts = Counts(waiting={"nobody": 1, "held": 1, "fine": 1})
    able = instance(consumers=tuple(map(consumer, ("held", "fine", "ruled", "bad"))))
    failed = Failures(lines=(failure("bad", hour=2, day=5),), hour=2, day=5)
    ruling = (rule(RuleVerb.DENY, "ruled"),)
    lines = {HERE: line(), THERE: line()}

    page = build(
        facts(
            instance(THERE, consumers=()),
            able,
            policies=suspended,
            counts=counts,
            failures=failed,
            rules=ruling,
            lines=lines,
        ),
        Look(problems=True),
    )

    assert [row.topic for row in page.rows] == ["bad", "held", "nobody", "ruled"]
    assert (page.rows[0].failed_hour, page.rows[0].failed_day) == (2, 5)
    assert page.behind == (HERE,)
    assert page.columns[0].name == HERE


def test_a_cell_is_chosen_while_there_is_such_an_instance_and_topic() -> None:
    whole = facts(instance())

    chosen = build(whole, Look(cell=f"{HERE} **")).chosen

    assert chosen is not None
    assert chosen.desired.why == "No rule concerns it."
    for gone in (f"{THERE} **", f"{HERE} other", "", "\0"):
        assert build(whole, Look(cell=gone)).chosen is None


def test_an_address_that_makes_no_sense_asks_for_all() -> None:
    for odd in ("-1", "0", "x", "9" * 30, "1e3", "", "\0", "²"):
        assert Look.of({"p": odd, "i": odd}) == Look()
    assert len(Look.of({"q": "x" * 10_000}).text) == 255


def test_a_look_is_said_by_the_end_of_an_address() -> None:
    look = Look.of({"q": " a/b ", "problems": "on", "p": "3", "cell": "x y"})

    assert look.query() == "?q=a%2Fb&problems=on&p=3"
    assert look.query(p=4) == "?q=a%2Fb&problems=on&p=4"
    assert dict(look.fields)["cell"] == "x y"
    assert Look().query() == ""


def test_of_no_instance_is_it_asked_which_rules_it_has_applied_where_all_have() -> None:
    ruling = (
        rule(RuleVerb.DENY, "a", id=4),
        rule(RuleVerb.ALLOW, "b", until=NOW + timedelta(hours=1)),
    )
    whole = facts(instance(), rules=ruling)

    assert whole.behind == frozenset()
    assert facts(instance(), rules=ruling, lines={HERE: line(applied=None)}).behind == {HERE}
    assert facts(instance(is_off=True)).behind == {HERE}
