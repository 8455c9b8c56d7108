"""The comparison of Celery's own suite on jobs: without favour, and documented."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.celery_suite import expectations
from tests.celery_suite.outcomes import Outcome, judged, read, settled, write

if TYPE_CHECKING:
    from pathlib import Path


def outcomes(**tests: str) -> dict[str, Outcome]:
    return {test: Outcome(outcome=outcome) for test, outcome in tests.items()}


def test_what_fails_on_jobs_alone_is_wrong() -> None:
    stock = outcomes(a="passed", b="failed", c="passed", d="xfailed", e="skipped")
    jobs = outcomes(a="failed", b="failed", c="passed", d="xfailed", e="skipped")

    verdict = judged(stock, jobs, differ=(), better=())

    assert verdict.alone == ("a",)
    assert not verdict.is_good


def test_what_did_not_run_or_was_left_out_on_jobs_alone_is_wrong() -> None:
    stock = outcomes(a="passed", b="passed")

    verdict = judged(stock, outcomes(b="skipped"), differ=(), better=())

    assert verdict.alone == ("a", "b")


def test_a_failure_that_the_suite_allows_for_is_wrong_where_stock_passes() -> None:
    verdict = judged(outcomes(a="passed"), outcomes(a="xfailed"), differ=(), better=())

    assert verdict.alone == ("a",)


def test_what_differs_by_design_may_fail_and_may_not_pass() -> None:
    stock = outcomes(a="passed", b="passed", c="failed")
    jobs = outcomes(a="failed", b="passed", c="failed")

    verdict = judged(stock, jobs, differ={"a", "b", "c"}, better=())

    assert verdict.alone == ()
    assert verdict.stale == ("b",)


def test_what_passes_by_chance_on_stock_says_nothing_of_jobs() -> None:
    stock = outcomes(a="passed", b="failed", c="passed", d="passed")
    jobs = outcomes(a="failed", b="passed", c="passed", d="failed")

    verdict = judged(stock, jobs, differ=(), better=(), racy={"a", "b", "c"})

    assert verdict.alone == ("d",)
    assert verdict.stale == ()


def test_what_jobs_alone_pass_is_said() -> None:
    stock = outcomes(a="xfailed", b="xfailed", c="xfailed")
    jobs = outcomes(a="xpassed", b="xpassed", c="xfailed")

    verdict = judged(stock, jobs, differ=(), better={"b", "c"})

    assert verdict.better == ("a",)
    assert verdict.stale == ("c",)


def test_without_stock_everything_that_ran_must_pass() -> None:
    jobs = outcomes(a="passed", b="failed", c="skipped", d="xfailed")

    assert judged(None, jobs, differ=(), better=()).alone == ("b",)
    assert judged(None, jobs, differ={"b"}, better=()).is_good


def test_what_stock_fails_in_another_try_says_nothing_of_jobs() -> None:
    jobs = outcomes(a="failed", b="failed")
    first = judged(outcomes(a="passed", b="passed"), jobs, differ=(), better=())

    verdict = settled(
        first,
        jobs,
        stock_again=[outcomes(a="passed", b="passed"), outcomes(a="failed", b="passed")],
        jobs_again=[outcomes(a="passed", b="passed")] * 2,
    )

    assert (verdict.shaky, verdict.alone) == (("a",), ("b",))
    assert not verdict.is_good


def test_what_only_took_too_long_is_wrong_where_it_fails_by_itself_too() -> None:
    late = Outcome(outcome="failed", why="celery.exceptions.TimeoutError: The operation timed out.")
    jobs = {"a": late, "b": late, "c": Outcome(outcome="failed", why="assert 1 == 2")}
    passes = outcomes(a="passed", b="passed", c="passed")
    first = judged(passes, jobs, differ=(), better=())

    verdict = settled(first, jobs, stock_again=[passes], jobs_again=[passes, {**passes, "b": late}])

    assert (verdict.late, verdict.alone) == (("a",), ("b", "c"))


def test_what_did_not_run_again_is_wrong() -> None:
    jobs = outcomes(a="failed")
    first = judged(outcomes(a="passed"), jobs, differ=(), better=())

    verdict = settled(first, jobs, stock_again=[outcomes(a="passed")], jobs_again=[{}])

    assert verdict.alone == ("a",)


def test_of_two_outcomes_of_a_test_the_failure_counts(tmp_path: Path) -> None:
    file = tmp_path / "outcomes"
    for outcome in ("passed", "failed", "passed"):
        write(file, "a", Outcome(outcome=outcome))

    assert read(file)["a"].outcome == "failed"


def test_every_difference_is_documented(root: Path) -> None:
    page = (root / "docs/celery.md").read_text()
    rows = set(re.findall(r"^\| (.+?) \| .+ \| .+ \|$", page, re.MULTILINE))
    expected = expectations.read()

    reasons = {entry.documented for entry in (*expected.differ, *expected.better)}

    assert reasons
    assert reasons <= rows


def test_every_race_is_documented_and_says_why(root: Path) -> None:
    page = (root / "docs/celery.md").read_text()
    racy = expectations.read().racy

    names = {test.rpartition("::")[2].partition("[")[0] for entry in racy for test in entry.tests}

    assert names
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []
    assert all(entry.why for entry in racy)


def test_no_test_is_listed_twice() -> None:
    expected = expectations.read()
    for results in ("redis", "django-db"):
        listed = [
            test
            for entry in (*expected.differ, *expected.better, *expected.racy)
            if results in entry.results
            for test in entry.tests
        ]
        assert len(listed) == len(set(listed))
