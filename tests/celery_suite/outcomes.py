"""What became of tests, and what that says of jobs beside stock Celery."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

#: What is no failure, from the least to the best.
GOOD = {"xfailed": 0, "passed": 1, "xpassed": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a test: passed, failed, skipped, xfailed, or xpassed.

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


Tests = dict[str, Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong with jobs, or with what we say of them."""

    #: Tests that fail on jobs, pass on stock, and that nobody says so of.
    alone: tuple[str, ...]
    #: Tests that are said to fail on jobs and pass.
    stale: tuple[str, ...]
    #: Tests that stock is expected to fail, that jobs pass, and that nobody says so of.
    better: tuple[str, ...]

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
    may_pass: Collection[str] = (),
) -> Verdict:
    """Compare a run on jobs with one on stock, or with the expectation that stock passes.

    ``differ`` are the tests that fail on jobs by design, of which some ``may_pass``; ``better``
    those that stock is expected to fail.
    """
    there = dict.fromkeys(jobs) if stock is None else stock
    failing = {test for test in there if _is_worse(there[test], jobs.get(test))}
    passing = {test for test, one in jobs.items() if one.outcome in GOOD}
    surprising = {test for test, one in jobs.items() if one.outcome == "xpassed"}
    return Verdict(
        alone=_in_order(failing - set(differ)),
        stale=_in_order(
            (passing & set(differ)) - set(may_pass) | (passing - surprising) & set(better)
        ),
        better=_in_order(surprising - set(better)),
    )


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
    """Return what a file says; of what was said of one test twice, the worse."""
    found: Tests = {}
    for line in file.read_text().splitlines() if file.exists() else []:
        fields = json.loads(line)
        test, outcome = fields.pop("test"), Outcome(**fields)
        if test not in found or outcome.outcome == "failed":
            found[test] = outcome
    return found
