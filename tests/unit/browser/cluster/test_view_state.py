"""The part of a matrix that is looked at."""

from __future__ import annotations

from offload.browser.cluster.matrix import PAGE_COLUMNS, PAGE_ROWS, build
from offload.browser.cluster.view_state import ViewState
from offload.core.placement.topology import InstanceInfo, RuleVerb
from offload.core.states import JobState
from offload.reading.cluster.counts import Counts
from offload.reading.cluster.failures import FailureLine, Failures
from tests.unit.browser.cluster.facts import HERE, THERE, facts, line, policy
from tests.unit.core.placement.fleet import consumer, instance, rule


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

    first, last = build(whole), build(whole, ViewState(page=9, across=2))

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
        page = build(whole, ViewState(text=text))
        return len(page.rows), len(page.columns)

    assert shown("T/00") == (10, 12)
    assert shown("worker003") == (13, 1)
    assert shown("nothing like it") == (0, 12)


def test_an_instance_is_found_by_its_label() -> None:
    whole = facts(instance(labels=frozenset({"licence-acme"})), instance(THERE))

    assert [one.name for one in build(whole, ViewState(text="acme")).columns] == [HERE]


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
        ViewState(problems=True),
    )

    assert [row.topic for row in page.rows] == ["bad", "held", "nobody", "ruled"]
    assert (page.rows[0].failed_hour, page.rows[0].failed_day) == (2, 5)
    assert page.behind == (HERE,)
    assert page.columns[0].name == HERE


def test_a_cell_is_chosen_while_there_is_such_an_instance_and_topic() -> None:
    whole = facts(instance())

    chosen = build(whole, ViewState(cell=f"{HERE} **")).chosen

    assert chosen is not None
    assert chosen.desired.why == "No rule concerns it."
    for gone in (f"{THERE} **", f"{HERE} other", "", "\0"):
        assert build(whole, ViewState(cell=gone)).chosen is None


def test_an_address_that_makes_no_sense_asks_for_all() -> None:
    for odd in ("-1", "0", "x", "9" * 30, "1e3", "", "\0", "²"):
        assert ViewState.of({"p": odd, "i": odd}) == ViewState()
    assert len(ViewState.of({"q": "x" * 10_000}).text) == 255


def test_a_look_is_said_by_the_end_of_an_address() -> None:
    view = ViewState.of({"q": " a/b ", "problems": "on", "p": "3", "cell": "x y"})

    assert view.query() == "?q=a%2Fb&problems=on&p=3"
    assert view.query(p=4) == "?q=a%2Fb&problems=on&p=4"
    assert dict(view.fields)["cell"] == "x y"
    assert ViewState().query() == ""
