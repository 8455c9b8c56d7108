"""``changes``: what people changed of rules, switches and queues, and did to jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.management.arguments import times, words
from offload.management.arguments.numbers import positive
from offload.management.terminal import Terminal, sanitized, table
from offload.management.verb import Options, Verb
from offload.reading.rules.change_records import recent_changes

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.models import ChangeRecord

HEADERS = ("time", "by", "via", "change")
FOLD = {"by": 10, "change": 20}


def arguments(parser: ArgumentParser) -> None:
    """Take which changes to show."""
    parser.add_argument(
        "--of",
        type=words.written,
        metavar="NAME",
        help="of this instance, glob, label or queue, this job's id, or jobs of this topic",
    )
    parser.add_argument("--since", type=times.span, metavar="1h", help="made within this time")
    parser.add_argument("--limit", type=positive, default=20, help="how many at most (%(default)s)")


def run(terminal: Terminal, options: Options) -> None:
    """Show the newest first."""
    limit, name = options["limit"], options["of"] or ""
    found = recent_changes(name=name, since=options["since"], most=limit + 1)
    shown = found[:limit]
    if not shown:
        terminal.answer([], f"No change{f' of {name}' if name else ''} is recorded.")
        return
    more = [sanitized(f"There are more than these {limit}; --limit shows more.")]
    lines = table(HEADERS, map(row, shown), fold=FOLD)
    terminal.answer([facts(one) for one in shown], lines, *(more if found[limit:] else ()))


def facts(record: ChangeRecord) -> dict[str, object]:
    """Return a change as JSON values."""
    return {
        "at": record.at,
        "actor": record.actor,
        "entrance": record.entrance,
        "action": record.action,
        "kind": record.kind,
        "subject": record.subject,
        "text": record.text,
    }


def row(record: ChangeRecord) -> tuple[object, ...]:
    """Return a change as cells of HEADERS."""
    return times.moment(record.at), record.actor, record.entrance, record.text


CHANGES = Verb(
    name="changes",
    help="list who changed rules, switches, queues and jobs, when and from where",
    arguments=arguments,
    run=run,
)
