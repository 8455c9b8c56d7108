"""The jobs: recent failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.texts import counted
from offload.diagnostics.finding import Finding, ok, warn
from offload.reading.cluster import failures

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "jobs"


def examine() -> Iterator[Finding]:
    """Yield how many jobs failed, and the most frequent error."""
    found = failures.recent()
    if not found.hour:
        before = f" {found.day} did within the last day." if found.day else ""
        yield ok(SUBJECT, f"No job failed within the last hour.{before}")
        return
    most = found.lines[0]
    hour = counted(found.hour, "job", "jobs")
    fact = f"{hour} failed within the last hour, {found.day} within the last day."
    yield warn(
        SUBJECT,
        f"{fact} Most of {most.topic}: {most.name}.",
        f"To see one: manage.py offload job {most.job_id}\n"
        "To see them: manage.py offload jobs --state failed --since 1h\n"
        f"To run them again: manage.py offload retry --topic {most.topic}",
    )
