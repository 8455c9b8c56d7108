"""``rules``: list the rules: for which instances, until when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.management.arguments import times, words
from offload.management.terminal import Terminal, sanitized, table
from offload.management.verb import Options, Verb
from offload.reading.cluster import known_names
from offload.reading.rules.rulebook import RuleLine, rulebook

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from rich.table import Table
    from rich.text import Text

HEADERS = ("id", "rule", "topics", "on", "in force on", "until", "note", "by")
FOLD = {"topics": 10, "on": 8, "in force on": 11, "note": 8}

NO_RULES = "There is no rule: every instance may run what it has consumers for."


def arguments(parser: ArgumentParser) -> None:
    """Add the option for an instance."""
    parser.add_argument(
        "--instance", type=words.written, metavar="NAME", help="only those that apply to it"
    )


def run(terminal: Terminal, options: Options) -> None:
    """Show the rules."""
    name = options["instance"]
    shown = [line for line in rulebook() if not name or name in (line.target, *line.instances)]
    if name and not shown:
        known_names.check_instance(name)
    none = f"No rule concerns {name}: it may run what it has consumers for." if name else NO_RULES
    terminal.answer([facts(line) for line in shown], *(lines(shown) if shown else [none]))


def lines(lines: Sequence[RuleLine]) -> list[Table | Text]:
    """Return the rules for people, and how to end one."""
    how = "To end one: manage.py offload clear ID, or: manage.py offload on INSTANCE"
    return [table(HEADERS, map(row, lines), fold=FOLD), sanitized(how, "dim")]


def facts(line: RuleLine) -> dict[str, object]:
    """Return a rule as JSON values."""
    return {
        "id": line.id,
        "verb": line.verb,
        "pattern": line.pattern,
        "scope": line.scope,
        "target": line.target,
        "instances": list(line.instances),
        "since": line.since,
        "until": line.until,
        "rests_until": line.rests_until,
        "note": line.note,
        "by": line.by,
    }


def row(line: RuleLine) -> tuple[object, ...]:
    """Return a rule as cells of HEADERS."""
    scope = "" if line.scope == "instance" else f" ({line.scope})"
    return (
        str(line.id or ""),
        sanitized(line.verb, "green" if line.verb == "allow" else "red"),
        line.pattern,
        f"{line.target}{scope}",
        "\n".join(line.instances) if scope else "",
        end_text(line),
        line.note,
        line.by,
    )


def end_text(line: RuleLine) -> str:
    """Return when a rule ends, or is in force again."""
    if line.rests_until:
        return f"lifted until {times.moment(line.rests_until)}"
    return times.moment(line.until)


RULES = Verb(
    name="rules",
    help="list the rules: for which instances, until when and why",
    arguments=arguments,
    run=run,
)
