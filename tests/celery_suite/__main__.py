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
from tests.celery_suite.source import unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    kinds = ("jobs",) if given.short else ("jobs", "stock")
    unpacked(CACHE)
    with ThreadPoolExecutor(len(kinds) * len(backends)) as threads:
        # Side by side: they wait more than they compute.
        begun = {
            (tasks, results): threads.submit(_outcomes, tasks, results, chosen, expected)
            for tasks in kinds
            for results in backends
        }
    found = {run: one.result() for run, one in begun.items()}
    good = [
        _is_good(one, expected, jobs=found["jobs", one], stock=found.get(("stock", one)))
        for one in backends
    ]
    return 0 if all(good) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.celery_suite", description=__doc__)
    parser.add_argument("--short", action="store_true", help="some tests, on jobs with Redis alone")
    parser.add_argument("--results", action="append", choices=BACKENDS)
    parser.add_argument("tests", nargs="*", help="as pytest takes them; else all")
    return parser.parse_args()


def _outcomes(tasks: str, results: str, chosen: Sequence[str], expected: Expectations) -> Tests:
    """Run tests; one that the suite calls flaky, and that fails by surprise, has a second try."""
    run = Run.of(CACHE, tasks, results)
    known = expected.differing(results) if tasks == "jobs" else ()
    _begin(run)
    with prepared(run) as tested:
        found = tested(chosen)
        again = [one for one, it in found.items() if it.deserves_another and one not in known]
        found |= tested(again) if again else {}
    _say(f"{run}: {counted(found)}")
    return found


def _is_good(results: str, expected: Expectations, *, jobs: Tests, stock: Tests | None) -> bool:
    """Compare a run on jobs with one on stock, if there is one, and say what is wrong."""
    first = judged(
        stock,
        jobs,
        differ=expected.differing(results),
        better=expected.bettering(results),
        racy=expected.racing(results),
    )
    verdict = _settled(results, first, jobs)
    _say(f"\nResults in {results}: {'' if verdict.is_good else 'not '}as expected")
    _say(report(verdict, stock, jobs))
    return verdict.is_good


def _settled(results: str, verdict: Verdict, jobs: Tests) -> Verdict:
    """Try again what fails on jobs alone, if anything does: on both, one after the other."""
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


def _begin(run: Run) -> None:
    shutil.rmtree(run.folder, ignore_errors=True)
    _say(f"{run}: {run.folder}")


def _say(text: str) -> None:
    if text:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
