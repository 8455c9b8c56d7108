"""``instances``: list instances, their health and their topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.placement.topology import Mode
from offload.core.texts import counted
from offload.management.arguments.words import named
from offload.management.terminal import Terminal, sanitized
from offload.management.verb import Options, Verb
from offload.management.verbs import instance_detail
from offload.management.verbs.instance_lines import (
    facts,
    instances_table,
    limits,
    properties,
    suspicions,
)
from offload.management.verbs.peers import peer_lines as remote
from offload.reading.cluster import lost_instances
from offload.reading.overview import instances
from offload.reading.peers import clusters
from offload.reading.rules.rulebook import rulebook

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from rich.table import Table
    from rich.text import Text


def arguments(parser: ArgumentParser) -> None:
    """Add the options for which instances to show, and how much of each."""
    about = "show only this one, with its rules and jobs; also of another cluster"
    parser.add_argument("name", metavar="NAME", type=named, nargs="?", help=about)
    parser.add_argument("--all", action="store_true", help="include those that are gone")
    parser.add_argument(
        "--long", action="store_true", help="show every topic and pattern they may run"
    )
    parser.add_argument(
        "--properties", action="store_true", help="show the properties that they announced"
    )


def run(terminal: Terminal, options: Options) -> None:
    """Show the instances, and the rules that narrow what they may run; or one of them."""
    if options["name"]:
        instance_detail.show(terminal, options["name"])
        return
    every = instances()
    shown = [one for one in every if options["all"] or one.mode is not Mode.GONE]
    book = rulebook()
    lines: list[str | Table | Text] = ["No instance is here."]
    if shown:
        is_long = options["long"]
        lines = [instances_table(shown, is_long=is_long, is_wide=terminal.is_wide)]
        lines += [*suspicions(shown), *limits(shown)]
        lines += properties(shown) if options["properties"] else []
    if hidden := len(every) - len(shown):
        lines.append(f"{counted(hidden, 'more is', 'more are')} gone; --all shows them.")
    lines += [sanitized(f"{fact} {step}", "red") for fact, step in lost_instances.warnings(every)]
    elsewhere = clusters.read()
    lines += remote.remote(elsewhere)
    others = [remote.remote_facts(one, line) for line in elsewhere for one in line.instances]
    terminal.answer([*(facts(one, book) for one in shown), *others], *lines)


INSTANCES = Verb(
    name="instances",
    help="list instances: state, last heartbeat, topics they may run of those they consume, and "
    "their jobs: running (of their slots), bound but unstarted, and both (of their windows); or "
    "show one of this or another cluster",
    arguments=arguments,
    run=run,
)
