"""``transfers``: list files of jobs on their way to or from other clusters."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from django.template.defaultfilters import filesizeformat

from offload.management.arguments import ids, times
from offload.management.terminal import Terminal, sanitized, table
from offload.management.verb import Options, Verb
from offload.operations.handles import JobHandle
from offload.reading import transfers

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.reading.transfers import TransferLine

HEADERS = (
    "file", "job", "", "peer", "by", "stage", "size", "sent", "saved", "took", "tries", "error",
)  # fmt: skip
FOLDS = {"file": 12, "job": 12, "peer": 8, "error": 20}
#: Rows, unless a job is named.
ROWS_MAX = 100
NOTHING = "No file is on its way to or from another cluster, and none was."


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "job",
        nargs="?",
        metavar="JOB",
        help="the id of a job, or enough of its beginning or end; without it, the latest of all",
    )


def run(terminal: Terminal, options: Options) -> None:
    """Show the transfers."""
    asked = options["job"]
    if asked:
        found = transfers.of_job(JobHandle(ids.whole(asked)).row)
    else:
        found = transfers.latest(ROWS_MAX)
    rows = [row(one, has_job=not asked) for one in found]
    shown = table(HEADERS, rows, fold=FOLDS) if rows else NOTHING
    terminal.answer([asdict(one) for one in found], shown)


def row(line: TransferLine, *, has_job: bool = True) -> tuple[object, ...]:
    """Return a transfer as cells of HEADERS; the job is left out where it is known."""
    return (
        sanitized(line.name), line.job if has_job else "",
        "in" if line.direction == "input" else "out", sanitized(line.peer),
        line.transport, line.stage, filesizeformat(line.size), filesizeformat(line.sent),
        filesizeformat(line.saved), times.seconds(line.seconds), line.tries or "",
        sanitized(line.failure),
    )  # fmt: skip


TRANSFERS = Verb(
    name="transfers",
    help="list files on their way to or from other clusters",
    run=run,
    arguments=arguments,
)
