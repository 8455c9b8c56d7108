"""Runs of workflows that somebody paused, and that go on only when somebody resumes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.texts import counted
from offload.diagnostics.finding import Finding, warn
from offload.reading.runs import run_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "runs"


def examine() -> Iterator[Finding]:
    """Yield paused runs."""
    count, oldest = run_lines.paused()
    if oldest is not None:
        runs = counted(count, "run is", "runs are")
        fact = f"{runs} paused, the oldest is {oldest.pk} of {oldest.workflow}: nothing begins."
        yield warn(SUBJECT, fact, f"To let it go on: manage.py offload runs resume {oldest.pk}")
