"""``python -m tests.celery_suite``: run the suite on stock and on jobs, and compare."""

from __future__ import annotations

import argparse
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.celery_suite import expectations
from tests.celery_suite.outcomes import judged, settled
from tests.celery_suite.report import counted, report
from tests.celery_suite.runs import ROOT, Run, prepared

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tests.celery_suite.expectations import Expectations
    from tests.celery_suite.outcomes import Tests, Verdict

CACHE = ROOT / "var" / "celery-suite"
BACKENDS = ("redis", "django-db")
#: How often what fails on jobs alone is tried again, on both.
TRIES = 5


def main() -> int:
    """Run what was asked for, and return 1 where something is wrong."""
    given, expected = _arguments(), expectations.read()
    chosen = given.tests or (expected.short if given.short else expected.modules)
    backends = given.results or (BACKENDS[:1] if given.short else BACKENDS)
    good = [_is_good(one, chosen, expected, alone=given.short) for one in backends]
    return 0 if all(good) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.celery_suite", description=__doc__)
    parser.add_argument("--short", action="store_true", help="some tests, on jobs with Redis alone")
    parser.add_argument("--results", action="append", choices=BACKENDS)
    parser.add_argument("tests", nargs="*", help="as pytest takes them; else all")
    return parser.parse_args()


def _is_good(results: str, chosen: Sequence[str], expected: Expectations, *, alone: bool) -> bool:
    """Run tests with a result backend; without stock beside them where they are run alone."""
    differ, better = expected.differing(results), expected.bettering(results)
    with ThreadPoolExecutor() as threads:
        # Side by side: they wait more than they compute.
        there = threads.submit(_outcomes, Run.of(CACHE, "jobs", results), chosen, differ)
        beside = (
            None if alone else threads.submit(_outcomes, Run.of(CACHE, "stock", results), chosen)
        )
    jobs, stock = there.result(), beside.result() if beside else None
    racy = expected.racing(results)
    first = judged(stock, jobs, differ=differ, better=better, racy=racy)
    verdict = _settled(results, first, jobs)
    _say(report(verdict, stock, jobs))
    return verdict.is_good


def _settled(results: str, verdict: Verdict, jobs: Tests) -> Verdict:
    """Try again what fails on jobs alone, on both and one after the other, if anything does."""
    if not verdict.alone:
        return verdict
    stock_again, jobs_again = (
        _tries(Run.of(CACHE, tasks, results, "-again"), verdict.alone)
        for tasks in ("stock", "jobs")
    )
    return settled(verdict, jobs, stock_again=stock_again, jobs_again=jobs_again)


def _tries(run: Run, tests: Sequence[str]) -> list[Tests]:
    _begin(run)
    with prepared(run) as tested:
        return [tested(tests) for _ in range(TRIES)]


def _outcomes(run: Run, chosen: Sequence[str], expected: Collection[str] = ()) -> Tests:
    """Run tests; one that the suite calls flaky, and that fails by surprise, has a second try."""
    _begin(run)
    with prepared(run) as tested:
        found = tested(chosen)
        again = [
            test for test, one in found.items() if one.deserves_another and test not in expected
        ]
        found |= tested(again) if again else {}
    _say(f"{run}: {counted(found)}")
    return found


def _begin(run: Run) -> None:
    shutil.rmtree(run.folder, ignore_errors=True)
    _say(f"{run}: {run.folder}")


def _say(text: str) -> None:
    if text:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
