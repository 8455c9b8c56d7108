"""``topics``: list topics, how many instances can run each, and their jobs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from offload.management.arguments import times
from offload.management.terminal import Terminal, sanitized, table
from offload.management.verb import Options, Verb
from offload.reading.overview import overview

if TYPE_CHECKING:
    from offload.reading.cluster.lines import TopicLine

HEADERS = ("topic", "can run", "waiting", "due later", "bound", "running")

NO_TOPICS = (
    "No topic is known: no worker announced a consumer, and no job was submitted. "
    "'manage.py offload doctor' says how to start a worker."
)


def run(terminal: Terminal, _: Options) -> None:
    """Show the topics."""
    known = overview().topics
    rows = list(map(row, known))
    shown = table(HEADERS, rows, fold={"topic": 20}) if rows else NO_TOPICS
    terminal.answer([asdict(one) for one in known], shown)


def row(line: TopicLine) -> tuple[object, ...]:
    """Return a topic as cells of HEADERS."""
    later = f"{line.later} in {times.seconds(line.due_in)}" if line.later else ""
    return sanitized(line.topic), line.can_run, line.due, later, line.bound, line.active


TOPICS = Verb(name="topics", help="list topics, who can run them, and their jobs", run=run)
