"""``explain``: which instances can run a topic, and why the others cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.management import job_text
from offload.management.loading import explained
from offload.management.terminal import sanitized
from offload.management.verb import Options, Verb
from offload.reading.waiting.explain import explain

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.management.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """Add the topic."""
    parser.add_argument("topic", metavar="TOPIC", help="such as dam/rendition/web")


def run(terminal: Terminal, options: Options) -> None:
    """Show where a job of the topic would run, or why it would wait."""
    found = explained(lambda: explain(options["topic"]))
    sentence = f"Queue {found.queue}. {found.sentence}"
    step = [sanitized(f"-> {found.next_step}", "bold")] if found.next_step else []
    terminal.answer(found.as_dict(), sentence, *step, *job_text.verdicts(found))


EXPLAIN = Verb(
    name="explain",
    help="say which instances can run a topic now, and why the others cannot",
    arguments=arguments,
    run=run,
)
