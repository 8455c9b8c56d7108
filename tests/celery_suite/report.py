"""The report of a comparison."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.celery_suite.outcomes import GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.celery_suite.outcomes import Outcome, Verdict

#: Lines that are shown of why a test fails.
LINES = 3


def counted(outcomes: Mapping[str, Outcome]) -> str:
    """Return how many tests came to what."""
    numbers = Counter(one.outcome for one in outcomes.values())
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(numbers.items()))


def report(
    verdict: Verdict, stock: Mapping[str, Outcome] | None, jobs: Mapping[str, Outcome]
) -> str:
    """Return the problems, and the tests without meaning."""
    fail_on_both = [
        test
        for test, one in (stock or {}).items()
        if one.outcome == "failed" and test in jobs and jobs[test].outcome not in GOOD
    ]
    parts = (
        _titled("Fail on both, and so say nothing of jobs", fail_on_both),
        _titled("The same, when they were tried again", verdict.shaky),
        _titled("Took too long on jobs, and not when they were tried by themselves", verdict.late),
        _titled("Pass, although expected.toml says that they differ", verdict.stale),
        _titled("Pass, although the suite expects failure: say so there", verdict.better),
        _titled("Fail on jobs alone", [_explained(test, jobs.get(test)) for test in verdict.alone]),
    )
    return "\n".join(line for part in parts for line in part)


def _titled(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"\n{title}:"
    for line in lines:
        yield f"  {line}"


def _explained(test: str, outcome: Outcome | None) -> str:
    why = outcome.why.splitlines()[:LINES] if outcome else ["did not run"]
    return "\n      ".join([test, *why])
