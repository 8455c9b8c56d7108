"""Rules and queues that cannot be read: somebody wrote their rows by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.diagnostics.finding import Finding, fail, one_line
from offload.reading.rules import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator


def examine() -> Iterator[Finding]:
    """Yield rules that are ignored, and queues that match no topic."""
    for rule, error in unreadable.rules():
        fact = f"Rule {rule.pk} ({rule}) is ignored, because it cannot be read: {one_line(error)}"
        yield fail("rules", fact, "Correct it in the admin under Offload, Rules, or delete it.")
    for queue, error in unreadable.queues():
        problem = f"its patterns cannot be read: {one_line(error)}"
        fact = f"Queue {queue} matches no topic, because {problem}"
        yield fail("queues", fact, "Correct it in the admin under Offload, Queues.")
