"""``topics``: what is consumed, waits or runs, and how many instances can run it."""

from __future__ import annotations

from dataclasses import asdict

from offload.engine.overview import topics
from offload.management.terminal import Terminal, plain, table
from offload.management.verb import Options, Verb

HEADERS = ("topic", "can run", "waiting", "bound", "running")

NONE = (
    "No topic is known: no worker announced a consumer, and no job was submitted. "
    "'manage.py offload doctor' says how to start a worker."
)


def run(terminal: Terminal, _: Options) -> None:
    """Show the topics."""
    known = topics()
    rows = [(plain(one.topic), one.can_run, one.waiting, one.bound, one.active) for one in known]
    shown = table(HEADERS, rows, fold={"topic": 20}) if rows else NONE
    terminal.answer([asdict(one) for one in known], shown)


TOPICS = Verb(name="topics", help="list topics, who can run them, and their jobs", run=run)
