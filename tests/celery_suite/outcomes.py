"""Outcomes of tests, and the comparison of jobs with stock Celery."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

#: Outcomes that are no failures, from the least to the best.
GOOD = {"xfailed": 0, "passed": 1, "xpassed": 1}
#: The message of a test that took too long, which means little on a busy machine.
LATE = ("TimeoutError", "Timeout (>", "timed out", "Timed out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a test: passed, failed, skipped, xfailed, or xpassed.

    The latter is a surprise that the suite calls a failure; one that it allows for has passed.
    """

    outcome: str
    why: str = ""
    seconds: float = 0.0
    #: Whether the suite itself says that it fails now and then.
    is_flaky: bool = False

    @property
    def deserves_another(self) -> bool:
        """Return whether a second try may pass."""
        return self.is_flaky and self.outcome == "failed"

    @property
    def is_late(self) -> bool:
        """Return whether the test failed for taking too long."""
        return self.outcome == "failed" and any(sign in self.why for sign in LATE)


Tests = dict[str, Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A problem of jobs, or of our expectations of them."""

    #: Tests that fail on jobs, pass on stock, and that nobody says so of.
    alone: tuple[str, ...]
    #: Tests that are said to fail on jobs and pass.
    stale: tuple[str, ...]
    #: Tests that stock is expected to fail, that jobs pass, and that nobody says so of.
    better: tuple[str, ...]
    #: Tests that failed on jobs, and on stock as well when they were tried again.
    shaky: tuple[str, ...] = ()
    #: Tests that took too long on jobs, and not when they were tried again by themselves.
    late: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Return whether nothing is wrong."""
        return not (self.alone or self.stale or self.better)


def judged(
    stock: Mapping[str, Outcome] | None,
    jobs: Mapping[str, Outcome],
    *,
    differ: Collection[str],
    better: Collection[str],
    racy: Collection[str] = (),
) -> Verdict:
    """Compare a run on jobs with one on stock, or with the expectation that stock passes.

    ``differ`` are the tests that fail on jobs by design; ``better`` those that stock is expected
    to fail; ``racy`` those that pass or fail by chance, on stock too.
    """
    there = dict.fromkeys(jobs) if stock is None else stock
    failing = {test for test in there if _is_worse(there[test], jobs.get(test))}
    passing = {test for test, one in jobs.items() if one.outcome in GOOD}
    surprising = {test for test, one in jobs.items() if one.outcome == "xpassed"}
    return Verdict(
        alone=_in_order(failing - set(differ) - set(racy)),
        stale=_in_order(passing & set(differ) | (passing - surprising) & set(better)),
        better=_in_order(surprising - set(better)),
    )


def settled(
    verdict: Verdict,
    jobs: Mapping[str, Outcome],
    *,
    stock_again: Sequence[Mapping[str, Outcome]],
    jobs_again: Sequence[Mapping[str, Outcome]],
) -> Verdict:
    """Return a verdict after tests that failed on jobs alone were tried again on both.

    What stock fails in any try says nothing of jobs. What jobs fail otherwise than by taking too
    long is wrong, though every further try passes.
    """
    doubtful = set(verdict.alone)
    shaky = {one for tries in stock_again for one in doubtful & set(tries) if _fails(one, tries)}
    late = {
        test
        for test in doubtful - shaky
        if test in jobs and jobs[test].is_late and not any(_fails(test, one) for one in jobs_again)
    }
    return replace(
        verdict,
        alone=_in_order(doubtful - shaky - late),
        shaky=_in_order(shaky),
        late=_in_order(late),
    )


def _fails(test: str, tries: Mapping[str, Outcome]) -> bool:
    return test not in tries or tries[test].outcome not in GOOD


def _is_worse(stock: Outcome | None, jobs: Outcome | None) -> bool:
    """Return whether a test comes to less on jobs; all may skip, and fail as the suite expects."""
    if stock is None:
        return jobs is not None and jobs.outcome == "failed"
    if stock.outcome not in GOOD:
        return False
    return jobs is None or jobs.outcome not in GOOD or GOOD[jobs.outcome] < GOOD[stock.outcome]


def _in_order(tests: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(tests))


def write(file: Path, test: str, outcome: Outcome) -> None:
    """Add what became of a test to a file."""
    with file.open("a") as opened:
        opened.write(json.dumps({"test": test, **asdict(outcome)}) + "\n")


def read(file: Path) -> Tests:
    """Return the outcomes in a file; of two outcomes of one test, the worse."""
    found: Tests = {}
    for line in file.read_text().splitlines() if file.exists() else []:
        fields = json.loads(line)
        test, outcome = fields.pop("test"), Outcome(**fields)
        if test not in found or outcome.outcome == "failed":
            found[test] = outcome
    return found
