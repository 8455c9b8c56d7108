"""``explain``: which instances can run a topic, and why the others cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.engine.explain import Explanation, explain
from offload.management.terminal import Terminal, plain, table
from offload.management.verb import Options, Verb

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from rich.table import Table

HEADERS = ("instance", "can run", "task", "why not")


def arguments(parser: ArgumentParser) -> None:
    """Take a topic."""
    parser.add_argument("topic", metavar="TOPIC", help="such as dam/rendition/web")


def run(terminal: Terminal, options: Options) -> None:
    """Show what would become of a job."""
    found = explain(options["topic"])
    terminal.answer(found.as_dict(), f"Queue {found.queue}. {found.sentence}", *verdicts(found))


def verdicts(found: Explanation) -> list[Table]:
    """Return a table of what each instance is to the job, if there are any."""
    rows = [
        (
            one.instance,
            plain("yes", "green") if one.can_run else plain("no", "red"),
            one.task or "",
            one.reason.detail if one.reason else "",
        )
        for one in found.verdicts
    ]
    return [table(HEADERS, rows)] if rows else []


EXPLAIN = Verb(
    name="explain",
    help="say which instances can run a topic now, and why the others cannot",
    arguments=arguments,
    run=run,
)
