"""What the demo leaves: a table for people and a report for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from offload.core.states import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from project.demo.row import Row

#: Digits of a SHA-256 that are shown; the report has all.
DIGITS = 12


def write(path: Path, rows: list[Row]) -> None:
    """Write the rows as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([row.as_json() for row in rows], indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def table(rows: list[Row]) -> Table:
    """Return the rows for people."""
    shown = Table("file", "topic", "instance", "time", "size", "SHA-256", "output or error")
    for row in rows:
        shown.add_row(
            escape(row.file),
            row.topic,
            row.instance,
            f"{row.seconds:.2f} s" if row.seconds is not None else "",
            decimal(row.bytes) if row.bytes is not None else "",
            row.sha256[:DIGITS] if row.sha256 else "",
            outcome(row),
        )
    return shown


def outcome(row: Row) -> str:
    """Return where the file is, or the state and why there is none."""
    if row.state == JobState.SUCCEEDED and row.path:
        size = f" ({row.width} x {row.height})" if row.width else ""
        return escape(f"{row.path}{size}")
    return f"[red]{row.state}[/]: {escape(row.error)}"
