"""``instances``: who is here, how it lives and what it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.placement.topology import Mode
from offload.core.texts import counted
from offload.management.arguments import times
from offload.management.colours import coloured
from offload.management.terminal import Terminal, plain, table
from offload.management.verb import Options, Verb
from offload.management.verbs import rules
from offload.reading import losses
from offload.reading.overview import instances
from offload.reading.rulebook import RuleLine, rulebook

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator, Sequence

    from rich.table import Table
    from rich.text import Text

    from offload.reading.lines import InstanceLine

HEADERS = (
    "instance",
    "mode",
    "beat",
    "running",
    "bound",
    "holds",
    "consumes",
    "labels",
    "process",
    "",
)
#: What a terminal without room to spare leaves out.
WIDE_ONLY = ("bound", "labels", "process")
FOLD = {"instance": 12, "consumes": 16, "labels": 8}


def arguments(parser: ArgumentParser) -> None:
    """Take which instances to show, and how much of them."""
    parser.add_argument("--all", action="store_true", help="include those that are gone")
    parser.add_argument("--long", action="store_true", help="show every pattern they consume")


def run(terminal: Terminal, options: Options) -> None:
    """Show the instances, and the rules that narrow what they may run."""
    every = instances()
    shown = [one for one in every if options["all"] or one.mode is not Mode.GONE]
    book = rulebook()
    said: list[str | Table | Text] = ["No instance is here."]
    if shown:
        is_long = options["long"]
        said = [_table(shown, is_long=is_long, is_wide=terminal.is_wide), *ruled(shown, book)]
    if hidden := len(every) - len(shown):
        said.append(f"{counted(hidden, 'more is', 'more are')} gone; --all shows them.")
    said += [plain(f"{told} {step}", "red") for told, step in losses.told(every)]
    terminal.answer([facts(one, book) for one in shown], *said)


def _table(shown: Sequence[InstanceLine], *, is_long: bool, is_wide: bool) -> Table:
    used = [at for at, name in enumerate(HEADERS) if is_wide or name not in WIDE_ONLY]
    rows = [row(one, is_long=is_long) for one in shown]
    return table(
        [HEADERS[at] for at in used], [[one[at] for at in used] for one in rows], fold=FOLD
    )


def ruled(shown: Sequence[InstanceLine], book: Sequence[RuleLine]) -> Iterator[Text]:
    """Yield the rules in force on these instances, each with its note."""
    names = {one.name for one in shown}
    for rule in book:
        on = ", ".join(one for one in rule.instances if one in names)
        if on:
            yield plain(f"{on}: {rule}", "yellow")


def facts(line: InstanceLine, book: Sequence[RuleLine]) -> dict[str, object]:
    """Return an instance as JSON values."""
    return {
        "name": line.name,
        "mode": line.mode,
        "gone_because": line.gone_because,
        "silent": line.is_silent,
        "off": line.is_off,
        "off_note": line.off_note,
        "rules": [rules.facts(rule) for rule in book if rule.id and line.name in rule.instances],
        "leader": line.is_leader,
        "beat_age": round(line.beat_age_seconds, 3),
        "concurrency": line.concurrency,
        "window": line.window,
        "running": line.running,
        "bound": line.bound,
        "held": line.held,
        "consumers": [
            {"pattern": one.pattern.text, "task": one.task, "ranking": one.ranking}
            for one in line.consumers
        ],
        "labels": list(line.labels),
        "host": line.host,
        "pid": line.pid,
    }


def row(line: InstanceLine, *, is_long: bool) -> tuple[str | Text, ...]:
    """Return an instance as cells of HEADERS."""
    patterns = sorted({one.pattern.text for one in line.consumers})
    return (
        line.name,
        coloured(mode(line)),
        f"{times.seconds(line.beat_age_seconds)} ago",
        f"{line.running}/{line.concurrency}",
        str(line.bound),
        f"{line.held}/{line.window}",
        "\n".join(patterns) if is_long else in_short(patterns),
        ", ".join(line.labels),
        f"{line.host}:{line.pid}",
        "leads" if line.is_leader else "",
    )


def mode(line: InstanceLine) -> str:
    """Return how an instance lives, in a word."""
    if line.is_silent:
        return "silent"
    return "off" if line.is_off else line.mode.value


def in_short(patterns: Sequence[str]) -> str:
    """Return the first pattern, and how many more there are."""
    more = f" +{len(patterns) - 1}" if len(patterns) > 1 else ""
    return f"{patterns[0]}{more}" if patterns else ""


INSTANCES = Verb(
    name="instances",
    help="list instances: mode, last beat, what they consume; jobs that run, of the slots; that "
    "are bound and have not begun; and both, of those it may hold",
    arguments=arguments,
    run=run,
)
