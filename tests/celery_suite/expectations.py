"""Expectations of the suite: the part that is run, and the differences by design."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "expected.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Tests whose outcome on jobs is not that on stock."""

    tests: tuple[str, ...]
    #: The first cell of the row in docs/celery.md that says why.
    documented: str = ""
    #: Else, where it is no matter of jobs.
    why: str = ""
    #: The result backends with which it is so.
    results: tuple[str, ...] = ("redis", "django-db")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """The file, read."""

    modules: tuple[str, ...]
    #: Some tests of every kind, for a run of a minute.
    short: tuple[str, ...]
    #: Fail on jobs by design.
    differ: tuple[Entry, ...]
    #: Expected to fail by the suite, and passed by jobs.
    better: tuple[Entry, ...]
    #: Pass or fail by chance, on stock too.
    racy: tuple[Entry, ...]

    def differing(self, results: str) -> set[str]:
        """Return the tests that fail by design with a result backend."""
        return _tests(self.differ, results)

    def racing(self, results: str) -> set[str]:
        """Return the tests that pass or fail by chance, on stock too."""
        return _tests(self.racy, results)

    def listed(self) -> set[str]:
        """Return the tests whose outcomes differ between both, with any result backend."""
        return {test for entry in (*self.differ, *self.better) for test in entry.tests}

    def bettering(self, results: str) -> set[str]:
        """Return the tests that jobs pass although the suite expects them to fail."""
        return _tests(self.better, results)


def read() -> Expectations:
    """Read the file."""
    found = tomllib.loads(FILE.read_text())
    return Expectations(
        modules=tuple(found["modules"]),
        short=tuple(found.get("short", ())),
        differ=tuple(_entry(one) for one in found.get("differ", ())),
        better=tuple(_entry(one) for one in found.get("better", ())),
        racy=tuple(_entry(one) for one in found.get("racy", ())),
    )


def _entry(fields: dict[str, object]) -> Entry:
    return Entry(**{name: _frozen(value) for name, value in fields.items()})  # type: ignore[arg-type]


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _tests(entries: tuple[Entry, ...], results: str) -> set[str]:
    return {test for entry in entries if results in entry.results for test in entry.tests}
