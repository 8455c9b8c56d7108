"""``instances``: who is here, how it lives and what it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.topology import Mode
from offload.engine.overview import instances
from offload.management import times
from offload.management.colours import coloured
from offload.management.terminal import Terminal, table
from offload.management.verb import Options, Verb

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from rich.text import Text

    from offload.engine.overview import InstanceLine

HEADERS = ("instance", "mode", "beat", "running", "bound", "consumes", "labels", "process", "")
FOLD = {"consumes": 16, "labels": 8}


def arguments(parser: ArgumentParser) -> None:
    """Take which instances to show."""
    parser.add_argument("--all", action="store_true", help="show those that are gone, too")


def run(terminal: Terminal, options: Options) -> None:
    """Show the instances."""
    every = instances()
    shown = [one for one in every if options["all"] or one.mode is not Mode.GONE]
    hidden = len(every) - len(shown)
    said = [table(HEADERS, map(row, shown), fold=FOLD)] if shown else ["No instance is here."]
    if hidden:
        said = [*said, f"{hidden} more are gone; --all shows them."]
    terminal.answer([facts(one) for one in shown], *said)


def facts(line: InstanceLine) -> dict[str, object]:
    """Return an instance as JSON values."""
    return {
        "name": line.name,
        "mode": line.mode,
        "off": line.is_off,
        "leader": line.is_leader,
        "beat_age": round(line.beat_age_seconds, 3),
        "concurrency": line.concurrency,
        "window": line.window,
        "running": line.running,
        "bound": line.bound,
        "consumers": [
            {"pattern": one.pattern.text, "task": one.task, "ranking": one.ranking}
            for one in line.consumers
        ],
        "labels": list(line.labels),
        "host": line.host,
        "pid": line.pid,
    }


def row(line: InstanceLine) -> tuple[str | Text, ...]:
    """Return an instance as cells of HEADERS."""
    return (
        line.name,
        coloured("off" if line.is_off else line.mode.value),
        f"{times.seconds(line.beat_age_seconds)} ago",
        f"{line.running}/{line.concurrency}",
        f"{line.bound}/{line.window}",
        "\n".join(sorted({one.pattern.text for one in line.consumers})),
        ", ".join(line.labels),
        f"{line.host}:{line.pid}",
        "leads" if line.is_leader else "",
    )


INSTANCES = Verb(
    name="instances",
    help="list instances: mode, last beat, slots, jobs, what they consume",
    arguments=arguments,
    run=run,
)
