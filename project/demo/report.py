"""The demo's report: a table for people and JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from offload.core.states import JobState
from project.demo.row import BY_STEPS, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from project.demo.row import Row

#: Digits of a SHA-256 that are shown; the report has all.
DIGEST_CHARACTERS = 12

#: Titles of the cells, before the last one.
TITLES = ("file", "run", "topic", "ran on", "time", "size", "pixels", "SHA-256", "sent", "saved")

#: Columns of the table where no terminal says how many there are.
TABLE_COLUMNS = 210

#: Columns from which the table fits without folding every cell into a strip.
UNFOLDED_COLUMNS = 190


def write(path: Path, rows: list[Row]) -> None:
    """Write the rows as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([row.as_json() for row in rows], indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def table(rows: list[Row]) -> Table:
    """Return the rows for people."""
    shown = Table(box=None, padding=(0, 2, 0, 0))
    for title in TITLES:
        shown.add_column(title, overflow="fold")
    shown.add_column("output, or error", overflow="fold", ratio=1)
    for row in rows:
        shown.add_row(*cells(row))
    return shown


def listing(rows: list[Row]) -> Iterator[str]:
    """Yield the rows for people whose terminal is too narrow for the table."""
    for file, some in groupby(rows, key=attrgetter("file")):
        rows_of_file = list(some)
        yield f"[bold]{escape(file)}[/], {rows_of_file[0].went}"
        for row in rows_of_file:
            yield from listed(row)


def listed(row: Row) -> Iterator[str]:
    """Yield the row as two lines: what was done, and what came of it."""
    _, _, topic, ran_on, time, size, pixels, digest, sent, saved, output = cells(row)
    yield f"  {topic:<24}{ran_on:<19}{time:>7} {size:>10}  {digest}".rstrip()
    yield f"    {output}{f' ({pixels})' if pixels else ''}"
    if row.transport:
        yield f"    by {row.transport}: {sent} sent, {saved} saved"


def transfers(rows: list[Row]) -> str:
    """Return how much went from one site to the other, as a sentence."""
    ways = ", ".join(sorted({row.transport for row in rows if row.transport}))
    sent, saved = sum(row.bytes_sent for row in rows), sum(row.bytes_saved for row in rows)
    return (
        f"Between the sites: {decimal(sent)} sent by {ways or 'no way'}, and {decimal(saved)} "
        "saved because they were there already."
    )


def ways(rows: list[Row]) -> str:
    """Return how the runs went, as a sentence."""
    went = Counter({row.file: row.went for row in rows}.values())
    return (
        f"Launchers started every run: {went[WHOLE]} went whole to the other site, "
        f"{went[BY_STEPS]} step by step."
    )


def cells(row: Row) -> Iterator[str]:
    """Yield the row as people read it."""
    yield escape(row.file)
    yield row.went
    yield row.topic
    yield f"{row.cluster}/{row.instance}".strip("/")
    yield f"{row.seconds:.2f} s" if row.seconds is not None else ""
    yield decimal(row.bytes) if row.bytes is not None else ""
    yield f"{row.width} x {row.height}" if row.width else ""
    yield row.sha256[:DIGEST_CHARACTERS] if row.sha256 else ""
    yield decimal(row.bytes_sent) if row.transport else ""
    yield decimal(row.bytes_saved) if row.transport else ""
    if row.state == JobState.SUCCEEDED and row.path:
        yield escape(row.path)
    else:
        yield f"[red]{row.state}[/]: {escape(row.error)}"
