"""Notes of the jobs: one line of fixed length each, so that counting costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.site.celery import NOTE_BYTES

if TYPE_CHECKING:
    from pathlib import Path


class Notes:
    """The file of notes of one turn."""

    def __init__(self, path: Path) -> None:
        """Begin with none."""
        self._path = path
        self._expected = 0
        path.touch()

    def expect(self, more: int) -> int:
        """Return how many notes there will be after so many more."""
        self._expected += more
        return self._expected

    def count(self) -> int:
        """Return how many there are."""
        return self._path.stat().st_size // NOTE_BYTES

    def read(self) -> dict[int, float]:
        """Return when each job began, by its number."""
        lines = self._path.read_text().splitlines()
        return {int(number): float(at) for number, at in (line.split() for line in lines)}
