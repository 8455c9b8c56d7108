"""How many rows there are, and rules and queues that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.diagnostics.finding import Finding, fail, ok, one_line, warn
from offload.reading import tables
from offload.reading.rules import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "rows"


def examine_sizes() -> Iterator[Finding]:
    """Yield how many rows the tables have, and those that duties should have emptied."""
    found = tables.sizes()
    if found:
        yield ok(SUBJECT, f"Rows of the tables: {', '.join(map(str, found))}.")
    for one in found:
        if one.is_overfull:
            step = "A duty should delete them. See which one fails: manage.py offload doctor"
            yield warn(SUBJECT, f"Too many rows: {one}.", f"{step}, under instances.")


def examine() -> Iterator[Finding]:
    """Yield rules that are ignored, and queues that match no topic: somebody wrote their rows."""
    for rule, error in unreadable.rules():
        fact = f"Rule {rule.pk} ({rule}) is ignored, because it cannot be read: {one_line(error)}"
        yield fail("rules", fact, "Correct it in the admin under Offload, Rules, or delete it.")
    for queue, error in unreadable.queues():
        problem = f"its patterns cannot be read: {one_line(error)}"
        fact = f"Queue {queue} matches no topic, because {problem}"
        yield fail("queues", fact, "Correct it in the admin under Offload, Queues.")
